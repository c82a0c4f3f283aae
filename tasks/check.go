package tasks

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/polyaxonfile"
	"github.com/slipway-ci/slipway/internal/report"
	"github.com/slipway-ci/slipway/internal/source"
)

// Check checks Polyaxonfiles as a server of the version would (all known
// versions when it is empty): those named, or those of all jobs and services.
// It asks no server. Any error among the problems is returned as *source.Error.
func Check(ctx context.Context, env *Env, files []string, version string) (*report.Result, error) {
	result := &report.Result{Command: "check"}
	if len(files) > 0 {
		var errs []error
		for _, name := range files {
			path := name
			if !filepath.IsAbs(path) {
				path = filepath.Join(env.Dir, name)
			}
			file, err := polyaxonfile.Read(path)
			errs = append(errs, addProblems(result, file, err, version))
		}
		return result, errors.Join(errs...)
	}
	p, err := env.open(ctx)
	if err != nil {
		return nil, err
	}
	result = p.result("check")
	var errs []error
	for _, j := range append(p.jobList(), p.serviceList()...) {
		file, err := p.polyaxonfile(j)
		if err := addProblems(result, file, err, version); err != nil {
			errs = append(errs, err)
			continue
		}
		reference := ""
		if j.Image != "" {
			reference = unbuiltImage
		}
		_, err = p.operation(j, reference)
		errs = append(errs, err)
	}
	return result, errors.Join(errs...)
}

// addProblems adds what is wrong with file to result, warnings only: errors are
// returned, and so are told once.
func addProblems(result *report.Result, file *polyaxonfile.File, err error, version string) error {
	if err != nil {
		return err
	}
	var errs []error
	for _, found := range check(file, version) {
		if found.Severity == "error" {
			errs = append(errs, &source.Error{Position: found.Position, Message: found.Message, Hint: found.Hint})
			continue
		}
		result.Problems = append(result.Problems, found)
	}
	return errors.Join(errs...)
}

func (p *project) jobList() []*config.Job     { return values(p.config.Jobs) }
func (p *project) serviceList() []*config.Job { return values(p.config.Services) }

func values(m map[string]*config.Job) []*config.Job {
	var list []*config.Job
	for _, name := range sorted(m) {
		list = append(list, m[name])
	}
	return list
}

// Render gives the operation of a job or a service as it will be sent. Its image
// is built locally, so that its digest stands in it; nothing is sent.
func Render(ctx context.Context, env *Env, name string) (*report.Result, error) {
	p, err := env.open(ctx)
	if err != nil {
		return nil, err
	}
	result := p.result("render")
	j := p.config.Jobs[name]
	if j == nil {
		j = p.config.Services[name]
	}
	if j == nil {
		return result, unknown("job or service", name, append(sorted(p.config.Jobs), sorted(p.config.Services)...))
	}
	d, err := p.prepareOnly(ctx, j)
	if err != nil {
		return result, err
	}
	images, references, err := p.planImages(ctx, d)
	result.Images = nil
	_ = images
	if err != nil {
		return result, interruptedOr(ctx, err)
	}
	operation, err := p.operation(j, references[j.Image])
	if err != nil {
		return result, err
	}
	result.Text = render(operation)
	return result, nil
}

// Schema gives the JSON schema of slipway.yaml.
func Schema(_ context.Context, _ *Env) (*report.Result, error) {
	text, err := config.Schema()
	if err != nil {
		return nil, fmt.Errorf("generate the schema: %w", err)
	}
	return &report.Result{Command: "schema", Text: string(text)}, nil
}

// Version gives this program's version.
func Version(_ context.Context, env *Env) (*report.Result, error) {
	return &report.Result{Command: "version", Text: "slipway " + env.Version + "\n"}, nil
}
