package tasks

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/compile"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/lint"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
	"github.com/slipway-ci/slipway/internal/sandbox"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/tasks/report"
)

// NeverError is a job that asks for what the machine of the sandbox will never have.
type NeverError struct{ Job, Why string }

// Error says what it lacks.
func (e *NeverError) Error() string { return fmt.Sprintf("job %s can never run: %s", e.Job, e.Why) }

// checkRuns refuses, before anything is built, what would be refused or wait for ever
// afterwards.
func (p *project) checkRuns(ctx context.Context, to *platform, jobs []*config.Job) error {
	if err := p.checkPipelines(ctx, to, jobs); err != nil {
		return err
	}
	if err := p.checkNamespaceOfRuns(ctx, to, jobs); err != nil {
		return err
	}
	return p.checkNeeds(ctx, to, jobs)
}

// namespacePatience is how long a cluster is asked for the namespace of runs that reach
// Polyaxon without it.
const namespacePatience = 5 * time.Second

// checkNamespaceOfRuns refuses a namespace that does not exist, also where no secrets go
// there. Where Polyaxon has an address of its own, a cluster that cannot be asked is no
// hindrance: the runs do without.
func (p *project) checkNamespaceOfRuns(ctx context.Context, to *platform, jobs []*config.Job) error {
	if len(jobs) == 0 || to.cluster == nil || to.creates != "" {
		return nil
	}
	if p.config.Polyaxon == nil {
		return p.checkNamespace(ctx, to)
	}
	soon, cancel := context.WithTimeout(ctx, namespacePatience)
	defer cancel()
	if err := p.checkNamespace(soon, to); errors.As(err, new(*cluster.NoNamespaceError)) {
		return err
	}
	return ctx.Err()
}

// checkNeeds refuses, before anything is built, jobs that would wait for ever: for a
// Secret that nobody has or, on the sandbox, for what this machine lacks. What the
// sandbox does not act on is told once.
func (p *project) checkNeeds(ctx context.Context, to *platform, jobs []*config.Job) error {
	var errs []error
	unheeded := map[string][]string{}
	secrets := secretsAlone{&inventory{project: p, cluster: to.cluster}}
	for _, j := range jobs {
		if to.cluster != nil && (to.embedded || to.access != nil) { // somebody can be asked
			errs = append(errs, p.checkSecrets(ctx, secrets, j))
		}
		if !to.embedded {
			continue
		}
		compiled, err := p.unbuilt(ctx, j)
		if err != nil {
			return err
		}
		if compiled == nil {
			continue
		}
		for _, key := range unheededHere(compiled) {
			unheeded[key] = append(unheeded[key], j.Name)
		}
		pod, err := compiled.Pod()
		if err != nil {
			continue // told when it is submitted
		}
		if lacks := sandbox.Lacks(append(pod.Sidecars, pod.Container)...); lacks != "" {
			errs = append(errs, &NeverError{j.Name, lacks})
		}
	}
	if len(unheeded) > 0 {
		keys := slices.Sorted(maps.Keys(unheeded))
		var names []string
		for _, key := range keys {
			names = append(names, unheeded[key]...)
		}
		slices.Sort(names)
		p.event(report.Note, "", "", fmt.Sprintf("the sandbox does not act on %s (%s): a cluster does", strings.Join(keys, ", "), strings.Join(slices.Compact(names), ", ")))
	}
	return errors.Join(errs...)
}

// unheededHere gives what of an operation the sandbox of this machine does not act on.
func unheededHere(c *compile.Compiled) []string {
	keys := c.Unheeded()
	if pod, err := c.Pod(); err == nil && !sandbox.EnforcesMemory() && !pod.Container.Resources.Limits.Memory().IsZero() {
		keys = append(keys, "container.resources.limits.memory")
	}
	return keys
}

// unbuilt gives a job's operation as the sandbox compiles it, but for its image, and
// the first one of a matrix; nil for what is compiled later.
func (p *project) unbuilt(ctx context.Context, j *config.Job) (*compile.Compiled, error) {
	operation, err := p.operation(ctx, j, unbuiltImage)
	if err != nil {
		return nil, err
	}
	if j.Matrix == "expand" {
		expansion, err := p.expansion(ctx, j, operation)
		if err != nil || len(expansion.Suggestions) == 0 {
			return nil, err
		}
		operation = expansion.Suggestions[0].Operation
	}
	compiled, err := compile.Operation(operation.JSON(), p.sandboxVersion())
	if err == nil {
		compiled, err = compiled.Resolve(compile.Context{
			Owner: "default", Project: p.config.Project, ProjectUUID: p.config.Project, Name: j.Name, UUID: compiledRun,
			Namespace: p.namespace(), Connections: catalogOf(operation),
		})
	}
	if err != nil {
		return nil, nil //nolint:nilerr // as far as it is an error, others tell it with its place
	}
	return compiled, nil
}

// checkSecrets refuses a job that names a Secret which is neither in slipway.yaml nor
// where the run goes.
func (p *project) checkSecrets(ctx context.Context, there lint.Inventory, j *config.Job) error {
	c := &checker{Env: p.Env, project: p, versions: []schema.Version{schema.Newest()}, cluster: there}
	t := target{component: j.Component, jobs: []*config.Job{j}}
	if j.Component == "" {
		t.path = p.file(j.Polyaxonfile)
	}
	problems, err := c.check(ctx, t)
	errs := []error{err}
	for _, problem := range problems {
		if problem.Name == lint.MissingSecret {
			errs = append(errs, &source.Error{Position: problem.Position, Message: problem.Message, Hint: problem.Hint})
		}
	}
	return errors.Join(errs...)
}

// secretsAlone leaves all but Secrets to the run.
type secretsAlone struct{ *inventory }

// Has implements lint.Inventory.
func (s secretsAlone) Has(ctx context.Context, kind lint.Kind, name string) bool {
	return kind != lint.Secret || s.inventory.Has(ctx, kind, name)
}
