package preflight

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/tasks/report"
)

// maxSkew is how far a server's clock may be off. Google refuses tokens that are further off.
const maxSkew = time.Minute

// Clocks compares the clocks of the servers that have answered with this machine's.
func Clocks(p *project.Project) []report.Check {
	ahead := p.Skew.Ahead()
	var warnings []report.Check
	most := time.Duration(0)
	for _, host := range slices.Sorted(maps.Keys(ahead)) {
		most = max(most, ahead[host].Abs())
		if ahead[host].Abs() <= maxSkew {
			continue
		}
		direction := "ahead of"
		if ahead[host] < 0 {
			direction = "behind"
		}
		warnings = append(warnings, report.Check{System: "clock", What: "skew", Outcome: report.CheckWarning,
			Detail: fmt.Sprintf("the clock of %s is %s %s that of this machine: tokens and certificates may be refused", host, ahead[host].Abs(), direction),
			Advice: "set the clock of the one that is wrong, and keep it right by NTP (on Linux: timedatectl set-ntp true)"})
	}
	if len(warnings) > 0 || len(ahead) == 0 {
		return warnings
	}
	return []report.Check{{System: "clock", What: "skew", Outcome: report.CheckOK, Detail: fmt.Sprintf("this machine and the servers agree to %s", max(most, time.Second))}}
}
