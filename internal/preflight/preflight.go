// Package preflight checks what a deploy needs of this machine, and the clocks of the servers
// that have answered. It sends no request, so that each deploy can do what doctor does.
package preflight

import (
	"slices"

	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/tasks/report"
)

// Warn notes what checks found that is not as it should be.
func Warn(p *project.Project, checks ...[]report.Check) {
	for _, c := range slices.Concat(checks...) {
		if c.Outcome != report.CheckOK {
			p.Note(c.Detail + ": " + c.Advice)
		}
	}
}
