package tasks

import (
	"context"
	"fmt"

	"github.com/slipway-ci/slipway/internal/config"
	components "github.com/slipway-ci/slipway/polyaxon"
	"github.com/slipway-ci/slipway/tasks/report"
)

// Schema returns the JSON schema of slipway.yaml.
func Schema(_ context.Context, _ *Env) (*Result, error) {
	text, err := config.Schema(components.Names())
	if err != nil {
		return nil, fmt.Errorf("generate the schema: %w", err)
	}
	return &report.Result{Command: "schema", Text: string(text)}, nil
}
