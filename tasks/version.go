package tasks

import (
	"context"

	"github.com/slipway-ci/slipway/tasks/report"
)

// Version gives this program's version.
func Version(_ context.Context, env *Env) (*Result, error) {
	return &report.Result{Command: "version", Text: "slipway " + env.Version + "\n"}, nil
}
