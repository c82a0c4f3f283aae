package job

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/fill"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/tasks/exit"
)

// Override sets the params of the command line, each in the form NAME=VALUE. They
// override those of slipway.yaml. names are the jobs and services that they are for, or
// all jobs if names is empty. Each param goes to those jobs that have an input of its
// name; if there are none, the error is a *source.Error. A VALUE may be secret:SOURCE.
func Override(ctx context.Context, p *project.Project, params, names []string) error {
	given := map[string]string{}
	for _, param := range params {
		name, value, ok := strings.Cut(param, "=")
		_, repeated := given[name]
		switch {
		case !ok || name == "":
			return exit.Usagef("a param must be written as NAME=VALUE") // not shown: it may be a secret
		case repeated:
			return exit.Usagef("the param %s is set twice", name)
		}
		if from, isSecret := config.SecretParam(value); isSecret {
			if _, err := secret.ParseSource(from); err != nil {
				return exit.Usagef("the param %s begins with secret: but is not a valid secret source: write %s=secret:env:NAME", name, name)
			}
		}
		given[name] = value
	}
	if len(given) == 0 {
		return nil
	}
	if len(names) == 0 {
		names = slices.Sorted(maps.Keys(p.Config.Jobs))
	}
	p.Params = map[string]map[string]string{}
	taken, inputs := map[string]bool{}, []string{}
	for _, name := range names {
		j := p.Job(name)
		if j == nil {
			continue // the caller that looks it up reports it
		}
		file, err := File(ctx, p, j)
		if err != nil {
			return err
		}
		p.Params[name] = map[string]string{}
		for _, input := range fill.Inputs(file) {
			inputs = append(inputs, input)
			if value, ok := given[input]; ok {
				p.Params[name][input] = value
				taken[input] = true
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if taken[name] {
			continue
		}
		e := &source.Error{Position: source.Position{File: "-P " + name}, Message: "the input is not declared in " + strings.Join(names, ", ")}
		if len(names) > 1 {
			e.Message = "the input is not declared in any of " + strings.Join(names, ", ")
		}
		slices.Sort(inputs)
		e.Hint = source.Suggest(name, "declare it under inputs of the Polyaxonfile; declared inputs: ", slices.Compact(inputs))
		return e
	}
	return nil
}

// params adds a job's params to the values that fill its file: values of slipway.yaml,
// texts of the command line, and references to keys of a Kubernetes Secret.
func params(p *project.Project, j *config.Job, to *fill.Fill) {
	to.Params, to.Texts, to.Secrets = map[string]any{}, map[string]string{}, map[string]fill.SecretKey{}
	for name, value := range j.Params {
		to.Params[name] = value
	}
	for name, r := range j.References() {
		to.Params[name] = r.String() // until the upstream run is known
	}
	for name, text := range p.Params[j.Name] {
		delete(to.Params, name)
		to.Texts[name] = text
	}
	for name := range p.SecretParams(j) {
		delete(to.Params, name)
		delete(to.Texts, name)
		to.Secrets[name] = fill.SecretKey{Name: p.ParamSecret(j), Key: name}
	}
	to.ParamsAt = func(name string) source.Position {
		if _, ok := p.Params[j.Name][name]; ok {
			return source.Position{File: "-P " + name}
		}
		return p.Config.At(project.Section(j), j.Name, "params", name)
	}
}
