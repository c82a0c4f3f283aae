package runs

import (
	"context"

	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/run"
)

// LastPassed returns the newest run that slipway submitted for a job, that succeeded and whose metrics meet what the job
// requires, if it requires anything. It looks at the newest 100 runs that succeeded, and returns
// nil if there is none. A run that nothing has checked counts only if its job requires nothing, now
// and when the run was submitted.
func LastPassed(ctx context.Context, to *platform.Platform, job string) (*polyaxon.Run, error) {
	all, _, err := succeeded(ctx, to, job, pageSize)
	if err != nil {
		return nil, err
	}
	j := to.Config.Jobs[job]
	for i := range all {
		if r := &all[i]; isOf(r, job) && mayPass(r) && (j == nil || len(j.Require) == 0 || r.MetaInfo[project.MetaGate] == project.GateMet) {
			return to.Polyaxon.Run(ctx, to.Config.Project, r.UUID)
		}
	}
	return nil, nil
}

// isOf reports whether slipway has submitted a run for a job. Other runs may have its name: programs rename their
// runs, and submit others.
func isOf(r *polyaxon.Run, job string) bool {
	of, known := r.MetaInfo[project.MetaJob]
	return r.MetaInfo[run.MetaKey] != nil && (!known || of == job)
}

// CommitOf returns the commit of the source tree that submitted a run, or "" if that is unknown.
func CommitOf(r *polyaxon.Run) string {
	commit, _ := r.MetaInfo[project.MetaCommit].(string)
	return commit
}

// GateOf returns what came of what a run's job requires of its metrics, such as project.GateMet, or "" if the job
// required nothing.
func GateOf(r *polyaxon.Run) string {
	gate, _ := r.MetaInfo[project.MetaGate].(string)
	if gate == project.GateNone {
		return ""
	}
	return gate
}

// mayPass reports whether a run met what its job required when it was checked last, or the job required
// nothing.
func mayPass(r *polyaxon.Run) bool {
	gate, checked := r.MetaInfo[project.MetaGate]
	return !checked || gate == project.GateMet || gate == project.GateNone
}
