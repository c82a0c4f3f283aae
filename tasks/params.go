package tasks

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/fill"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/internal/source"
)

// override takes the params of a command line, each NAME=VALUE, for the jobs (or
// services) that it names, all jobs when it names none. They win over those of
// slipway.yaml. Each goes to the jobs that have an input of its name, of which
// there must be one. A VALUE may be secret:SOURCE.
func (p *project) override(ctx context.Context, params, names []string) error {
	given := map[string]string{}
	for _, param := range params {
		name, value, ok := strings.Cut(param, "=")
		_, repeated := given[name]
		switch {
		case !ok || name == "":
			return usagef("a param is written NAME=VALUE") // it may be a value: it is not shown
		case repeated:
			return usagef("the param %s is given twice", name)
		}
		if from, isSecret := config.SecretParam(value); isSecret {
			if _, err := secret.ParseSource(from); err != nil {
				return usagef("the param %s begins with secret: and names no secret source: write %s=secret:env:NAME", name, name)
			}
		}
		given[name] = value
	}
	if len(given) == 0 {
		return nil
	}
	if len(names) == 0 {
		names = sorted(p.config.Jobs)
	}
	p.texts = map[string]map[string]string{}
	taken, inputs := map[string]bool{}, []string{}
	for _, name := range names {
		j := p.named(name)
		if j == nil {
			continue // whoever looks for it tells
		}
		file, err := p.polyaxonfile(ctx, j)
		if err != nil {
			return err
		}
		p.texts[name] = map[string]string{}
		for _, input := range fill.Inputs(file) {
			inputs = append(inputs, input)
			if value, ok := given[input]; ok {
				p.texts[name][input] = value
				taken[input] = true
			}
		}
	}
	for _, name := range sorted(given) {
		if taken[name] {
			continue
		}
		e := &source.Error{Position: source.Position{File: "-P " + name}, Message: strings.Join(names, ", ") + " takes no such param"}
		if len(names) > 1 {
			e.Message = "none of " + strings.Join(names, ", ") + " takes such a param"
		}
		if near, found := source.Nearest(name, inputs); found {
			e.Hint = "did you mean " + near + "?"
		} else if len(inputs) > 0 {
			slices.Sort(inputs)
			e.Hint = "there are " + strings.Join(slices.Compact(inputs), ", ")
		}
		return e
	}
	return nil
}

// named gives a job or a service, nil when there is none of the name.
func (p *project) named(name string) *config.Job {
	if j := p.config.Jobs[name]; j != nil {
		return j
	}
	return p.config.Services[name]
}

// params puts a job's params into what fills its file: values, what the command line gave as text,
// and those that a Kubernetes Secret keeps.
func (p *project) params(j *config.Job, to *fill.Fill) {
	to.Params, to.Texts, to.Secrets = map[string]any{}, map[string]string{}, map[string]fill.SecretKey{}
	for name, value := range j.Params {
		to.Params[name] = value
	}
	for name, r := range j.References() {
		to.Params[name] = r.String() // until resolved knows better
	}
	for name, text := range p.texts[j.Name] {
		delete(to.Params, name)
		to.Texts[name] = text
	}
	for name := range p.secretParams(j) {
		delete(to.Params, name)
		delete(to.Texts, name)
		to.Secrets[name] = fill.SecretKey{Name: p.paramSecret(j), Key: name}
	}
	to.ParamsAt = func(name string) source.Position {
		if _, ok := p.texts[j.Name][name]; ok {
			return source.Position{File: "-P " + name}
		}
		return p.config.At(section(j), j.Name, "params", name)
	}
}

// secretParams gives a job's params that are secrets, with their sources.
func (p *project) secretParams(j *config.Job) map[string]string {
	sources := map[string]string{}
	for name, value := range j.Params {
		if from, isSecret := config.SecretParam(value); isSecret {
			sources[name] = from
		}
	}
	for name, text := range p.texts[j.Name] {
		delete(sources, name)
		if from, isSecret := config.SecretParam(text); isSecret {
			sources[name] = from
		}
	}
	return sources
}

// secretAt gives where the configuration first wants a Kubernetes Secret, nil when
// it wants none.
func (p *project) secretAt() []string {
	if len(p.config.Secrets) > 0 {
		return []string{"secrets"}
	}
	for _, j := range append(p.jobList(), p.serviceList()...) {
		for _, name := range sorted(p.secretParams(j)) {
			return []string{section(j), j.Name, "params", name}
		}
	}
	if p.config.MLflow != nil && p.config.MLflow.Password != "" {
		return []string{"mlflow", "password"}
	}
	return nil
}

// paramSecret names the Kubernetes Secret that keeps a job's params.
func (p *project) paramSecret(j *config.Job) string {
	return "slipway-" + p.config.Project + "-" + j.Name + "-params"
}

// mlflowSecret names the Kubernetes Secret that keeps the password of MLflow.
func (p *project) mlflowSecret() string { return "slipway-" + p.config.Project + "-mlflow" }

const mlflowKey = "password"

// bundlesFor gives all secrets that jobs need: those of slipway.yaml, those of their
// params, and the password of MLflow. All are read before anything is changed.
func (p *project) bundlesFor(ctx context.Context, jobs []*config.Job) ([]secret.Bundle, error) {
	bundles, err := p.bundles(ctx)
	errs := []error{err}
	for _, j := range jobs {
		sources := p.secretParams(j)
		if len(sources) == 0 {
			continue
		}
		data := map[string]secret.Value{}
		for _, name := range sorted(sources) {
			if data[name], err = p.resolve(ctx, sources[name], section(j), j.Name, "params", name); err != nil {
				errs = append(errs, err)
			}
		}
		b := secret.Opaque(p.paramSecret(j), data)
		b.At, b.Project = p.config.At(section(j), j.Name, "params"), p.config.Project
		bundles = append(bundles, b)
	}
	if m := p.config.MLflow; m != nil && m.Password != "" {
		password, err := p.resolve(ctx, m.Password, "mlflow", "password")
		errs = append(errs, err)
		b := secret.Opaque(p.mlflowSecret(), map[string]secret.Value{mlflowKey: password})
		b.At, b.Project = p.config.At("mlflow"), p.config.Project
		bundles = append(bundles, b)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return bundles, nil
}
