package checker

import (
	"context"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/job"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/source"
)

// trackingKind returns a *source.Error if mlflow.tracking-uri names j, and its Polyaxonfile is
// not of kind service, so that nothing would ever answer.
func trackingKind(ctx context.Context, p *project.Project, j *config.Job) error {
	if p.Config.MLflow.Service() != j.Name {
		return nil
	}
	f, err := job.File(ctx, p, j)
	if err != nil {
		return nil //nolint:nilerr // reported with the file
	}
	component, _ := f.Component()
	run, _ := component["run"].(map[string]any)
	kind, known := run["kind"].(string)
	if !known || kind == "service" {
		return nil
	}
	e := source.Errorf(p.Config.At("mlflow", "tracking-uri"), "mlflow.tracking-uri names %s, whose Polyaxonfile is of kind %s and not of kind service", j.Name, kind)
	e.Hint = "use the component mlflow, or a Polyaxonfile of kind service with the port of MLflow"
	return e
}
