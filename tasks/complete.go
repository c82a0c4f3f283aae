package tasks

import (
	"context"
	"time"

	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/runs"
	"github.com/slipway-ci/slipway/internal/sandbox"
	"github.com/slipway-ci/slipway/tasks/report"
)

// completeLimit is how long NewestRuns waits for the server. The user is waiting for a
// completion.
const completeLimit = time.Second

// Known lists the names in a slipway.yaml.
type Known struct{ Images, Jobs, Services, Environments []string }

// Names returns the names in slipway.yaml for shell completion. It returns no names if the
// file does not exist or cannot be read.
func Names(env *Env) Known {
	opened, err := env.project()
	if err != nil {
		return Known{}
	}
	return Known(project.ReadNames(opened))
}

// NewestRuns returns the project's newest runs for shell completion. It does not start a
// sandbox, waits for at most a second, and returns nil if there is no answer.
func NewestRuns(ctx context.Context, env *Env) []report.Run {
	ctx, cancel := context.WithTimeout(ctx, completeLimit)
	defer cancel()
	if env == nil {
		return nil
	}
	quiet := *env
	quiet.Events = report.Discard{}
	p, err := quiet.open(ctx)
	if err != nil {
		return nil
	}
	if p.Config.Sandboxed() {
		if _, err := sandbox.Running(ctx, p.StateDir()); err != nil {
			return nil
		}
	}
	to, err := platform.Connect(ctx, p, platform.Uses{Runs: true})
	if err != nil {
		return nil
	}
	found, _, err := to.Polyaxon.Runs(ctx, p.Config.Project, polyaxon.Query{Sort: "-created_at", Limit: DefaultRuns})
	if err != nil {
		return nil
	}
	newest := make([]report.Run, len(found))
	for i := range found {
		newest[i] = runs.Report(&found[i])
	}
	return newest
}
