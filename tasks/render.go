package tasks

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/operation"
	components "github.com/slipway-ci/slipway/polyaxon"
	"github.com/slipway-ci/slipway/tasks/report"
)

// RenderOptions says what to render.
type RenderOptions struct {
	// Job is the name of a job or a service.
	Job string
	// Params of the command line, each NAME=VALUE.
	Params []string
	// Source gives the user's own file with the edits made, rather than the
	// operation: comments, order and quotes stay.
	Source bool
	// Compiled gives the operation as a server compiles it: what its pod gets.
	Compiled bool
	// Pod gives the pod that a version makes of it.
	Pod bool
	// Version is the release of Polyaxon to compile as; the configured server's own
	// when empty.
	Version string
	// Expand is as in DeployOptions.
	Expand bool
}

// Render gives the operation of a job or a service as it will be sent, and those of
// all runs of a matrix that slipway expands, as YAML documents or a JSON list. Its
// image is built locally, so that its digest stands in it; nothing is sent, and no
// secret is read.
func Render(ctx context.Context, env *Env, o RenderOptions) (*Result, error) {
	p, err := env.open(ctx)
	if err != nil {
		return nil, err
	}
	p.version = o.Version
	result := p.result("render")
	if o.Source && (o.Compiled || o.Expand || o.Pod) {
		return result, usagef("render prints the source, or what becomes of it, not both")
	}
	j := p.named(o.Job)
	if j == nil {
		return result, unknown("job or service", o.Job, append(sorted(p.config.Jobs), sorted(p.config.Services)...))
	}
	if err := p.override(ctx, o.Params, []string{o.Job}); err != nil {
		return result, err
	}
	if o.Expand {
		if err := p.expandMatrices(ctx, []*config.Job{j}); err != nil {
			return result, interruptedOr(ctx, err)
		}
	}
	reference, err := p.planReference(ctx, j)
	if err != nil {
		return result, interruptedOr(ctx, err)
	}
	operation, err := p.operation(ctx, j, reference)
	if err != nil {
		return result, err
	}
	if o.Source {
		text, err := p.source(ctx, j, operation)
		if err != nil {
			return result, err
		}
		result.Text = string(text)
		return result, nil
	}
	if j.Matrix != "expand" {
		err := p.tellRendered(ctx, result, j, operation, o)
		return result, err
	}
	expansion, err := p.expansion(ctx, j, operation)
	if err != nil {
		return result, err
	}
	var texts []string
	var operations []json.RawMessage
	for _, suggestion := range expansion.Suggestions {
		if err := p.tellRendered(ctx, result, j, suggestion.Operation, o); err != nil {
			return result, err
		}
		texts, operations = append(texts, result.Text), append(operations, result.Operation)
	}
	result.Text = strings.Join(texts, "---\n")
	result.Operation, err = json.Marshal(operations)
	return result, err
}

// tellRendered puts an operation into a result, compiled when o says so.
func (p *project) tellRendered(ctx context.Context, result *report.Result, j *config.Job, operation *operation.Operation, o RenderOptions) error {
	stamped := p.stamped(operation)
	if o.Compiled && o.Pod {
		return usagef("render prints what it is compiled to, or its pod, not both")
	}
	if o.Pod {
		compiled, err := p.compiled(ctx, j, stamped, o.Version)
		if err != nil {
			return err
		}
		return tellPod(result, j, compiled)
	}
	if o.Compiled {
		compiled, err := p.compiled(ctx, j, stamped, o.Version)
		if err != nil {
			return err
		}
		p.tellCompiled(result, j, compiled)
		return nil
	}
	result.Text, result.Operation = render(stamped), json.RawMessage(stamped.JSON())
	return nil
}

// planReference checks a job, builds its image locally, and gives the reference
// that it will have; "" for a job without an image.
func (p *project) planReference(ctx context.Context, j *config.Job) (string, error) {
	jobs := []*config.Job{j}
	d := &deployment{waves: [][]*config.Job{jobs}, images: p.imagesOf(jobs)}
	if err := p.config.Unbuilt(jobs, nil); err != nil {
		return "", err
	}
	if err := p.checkJobs(ctx, jobs); err != nil {
		return "", err
	}
	if len(d.images) == 0 {
		return "", nil
	}
	var err error
	if d.to, err = p.connect(ctx, uses{images: true}); err != nil {
		return "", err
	}
	_, references, err := p.planImages(ctx, d)
	return references[j.Image], err
}

// source gives the text of a job's own file that reads as operation.
func (p *project) source(ctx context.Context, j *config.Job, operation *operation.Operation) ([]byte, error) {
	if j.Component != "" {
		text, err := components.Read(j.Component)
		if err != nil {
			return nil, err
		}
		return operation.Source(text, nil)
	}
	text, component, err := p.reader().Texts(ctx, p.file(j.Polyaxonfile))
	if err != nil {
		return nil, err
	}
	return operation.Source(text, component)
}
