package tasks

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/deploy"
	"github.com/slipway-ci/slipway/internal/job"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/operation"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/tasks/exit"
)

// RenderOptions are the options of Render.
type RenderOptions struct {
	// Job is the name of a job or a service.
	Job string `arg:"JOB" complete:"job,service"`
	// Source renders the user's own file with slipway's edits, rather than the operation.
	// Comments, order and quotes are kept.
	Source bool `flag:"source" help:"print your own file with the edits made; comments, order and quotes stay"`
	// Compiled renders the operation as a server compiles it before it creates the pod.
	Compiled bool `flag:"compiled" help:"print what Polyaxon compiles it to, before it makes the pod"`
	// Pod renders the pod that Polyaxon creates for the operation.
	Pod bool `flag:"pod" help:"print the pod that Polyaxon makes of it, without what Polyaxon adds for itself"`
	// Version is the version of Polyaxon to compile for. If it is empty, it is the version of
	// the configured server.
	Version string `flag:"polyaxon-version" value:"VERSION" help:"compile as this VERSION of Polyaxon would"`
	// Params are params for the job, each NAME=VALUE.
	Params []string `flag:"param" short:"P" value:"NAME=VALUE" mage:"params" help:"give an input of the named jobs a value, as NAME=VALUE; it wins over slipway.yaml"`
	// Expand is as in DeployOptions.
	Expand bool `flag:"expand" help:"make the runs of matrices here, as matrix: expand in slipway.yaml does, rather than on the server"`
}

// Render returns the operation of a job or a service as it will be submitted. For a matrix
// that slipway expands, it returns the operations of all runs, as YAML documents or as a
// JSON list. It builds the image locally, so that the operation contains its digest. It
// sends nothing and reads no secret.
func Render(ctx context.Context, env *Env, o RenderOptions) (*Result, error) {
	p, err := env.open(ctx)
	if err != nil {
		return nil, err
	}
	p.PolyaxonVersion = o.Version
	result := p.Result("render")
	if o.Source && (o.Compiled || o.Expand || o.Pod) {
		return result, exit.Usagef("--source cannot be combined with --compiled, --pod or --expand")
	}
	j := p.Job(o.Job)
	if j == nil {
		return result, project.UnknownName("job or service", o.Job, append(keys(p.Config.Jobs), keys(p.Config.Services)...))
	}
	if err := job.Override(ctx, p, o.Params, []string{o.Job}); err != nil {
		return result, err
	}
	if o.Expand {
		if err := job.ExpandMatrices(ctx, p, []*config.Job{j}); err != nil {
			return result, exit.IfInterrupted(ctx, err)
		}
	}
	reference, err := deploy.PlanReference(ctx, p, j)
	if err != nil {
		return result, exit.IfInterrupted(ctx, err)
	}
	operation, err := job.Operation(ctx, p, j, reference)
	if err != nil {
		return result, err
	}
	if o.Source {
		text, err := job.Source(ctx, p, j, operation)
		if err != nil {
			return result, err
		}
		result.Text = string(text)
		return result, nil
	}
	if j.Matrix != config.MatrixExpand {
		err := rendered(ctx, p, result, j, operation, o)
		return result, err
	}
	expansion, err := job.Expansion(ctx, p, j, operation)
	if err != nil {
		return result, err
	}
	var texts []string
	var operations []json.RawMessage
	for _, suggestion := range expansion.Suggestions {
		if err := rendered(ctx, p, result, j, suggestion.Operation, o); err != nil {
			return result, err
		}
		texts, operations = append(texts, result.Text), append(operations, result.Operation)
	}
	result.Text = strings.Join(texts, "---\n")
	result.Operation, err = json.Marshal(operations)
	return result, err
}

// rendered adds an operation to a result, compiled or as a pod if o says so.
func rendered(ctx context.Context, p *project.Project, result *Result, j *config.Job, operation *operation.Operation, o RenderOptions) error {
	stamped := job.WithOrigin(p, j, operation, "")
	if o.Compiled && o.Pod {
		return exit.Usagef("--compiled cannot be combined with --pod")
	}
	if o.Pod {
		compiled, err := compiled(ctx, p, j, stamped, o.Version)
		if err != nil {
			return err
		}
		return putPod(result, j, compiled)
	}
	if o.Compiled {
		compiled, err := compiled(ctx, p, j, stamped, o.Version)
		if err != nil {
			return err
		}
		putCompiled(p, result, j, compiled)
		return nil
	}
	result.Text, result.Operation = string(stamped.YAML()), json.RawMessage(stamped.JSON())
	return nil
}
