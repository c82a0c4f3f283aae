package tasks

import (
	"context"

	"github.com/slipway-ci/slipway/tasks/report"
)

// Version returns the version of this program.
func Version(_ context.Context, env *Env) (*Result, error) {
	if err := env.check(); err != nil {
		return nil, err
	}
	return &report.Result{Command: "version", Text: "slipway " + env.Version + "\n"}, nil
}
