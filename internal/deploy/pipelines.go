package deploy

import (
	"context"
	"errors"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/job"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/compile"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/source"
)

// checkPipelines returns an error, before anything is built, for what the server would
// refuse: a matrix, a dag or a schedule on the community edition of 1.11.3 and on the
// sandbox. It also refuses joins on the sandbox, and a matrix that slipway should expand and
// cannot.
func (d *Deployment) checkPipelines(ctx context.Context, jobs []*config.Job) error {
	var errs []error
	for _, j := range jobs {
		operation, err := job.Operation(ctx, d.Project, j, job.PlaceholderImage)
		if err != nil {
			return err
		}
		if j.Matrix == config.MatrixExpand {
			_, err := job.Expansion(ctx, d.Project, j, operation)
			errs = append(errs, err)
			continue
		}
		compiled, err := compile.Operation(operation.JSON(), d.SandboxVersion())
		if err == nil && compiled.Schedule() == "" && compiled.Joins() && d.Embedded {
			errs = append(errs, d.unsupportedPipeline(ctx, j, "joins", "the sandbox"))
		}
		if err != nil || compiled.Schedule() == "" {
			continue // checker.Jobs has reported what does not compile, if it is an error
		}
		refusing, err := d.refusesPipelines(ctx)
		if err != nil {
			return err
		}
		if refusing != "" {
			errs = append(errs, d.unsupportedPipeline(ctx, j, compiled.Schedule(), refusing))
		}
	}
	return errors.Join(errs...)
}

// refusesPipelines returns the name of the server if it does not accept a matrix, a dag or a
// schedule, and "" otherwise.
func (d *Deployment) refusesPipelines(ctx context.Context) (string, error) {
	if d.Embedded {
		return "the sandbox", nil
	}
	installation, err := d.Polyaxon.Installation(ctx)
	if err != nil {
		return "", err
	}
	if installation.Version.Major == 1 && installation.Dist == "ce" {
		return "the community edition of Polyaxon " + installation.Version.String(), nil
	}
	return "", nil
}

// unsupportedPipeline returns the error for a job of a kind that the server does not accept,
// at the line of the Polyaxonfile that asks for it.
func (d *Deployment) unsupportedPipeline(ctx context.Context, j *config.Job, kind, server string) error {
	e := source.Errorf(d.Config.At(project.Section(j), j.Name), "%s does not support %s", server, kind)
	e.Hint = "Polyaxon 2.x runs it; or submit its parts as jobs of slipway.yaml"
	switch kind {
	case "joins":
		e.Hint = "Polyaxon 2.x runs it; or give its params values, such as the outputs of a job in after"
	case "matrix":
		e.Hint = "Polyaxon 2.x runs it; or say --expand, or matrix: expand in slipway.yaml, and slipway submits its runs"
	}
	file, err := job.File(ctx, d.Project, j)
	if err != nil {
		return e
	}
	for _, path := range [][]string{{kind}, {"component", kind}, {"run", "kind"}, {"component", "run", "kind"}} {
		if at := file.AtKey(path...); at != file.At() && at != file.At(path[:len(path)-1]...) {
			e.Position = at
			break
		}
	}
	return e
}
