package deploy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/checker"
	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/job"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/compile"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/lint"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
	"github.com/slipway-ci/slipway/internal/sandbox"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/tasks/exit"
)

// checkRuns refuses, before anything is built, jobs that would be refused or wait for ever
// afterwards.
func (d *Deployment) checkRuns(ctx context.Context, jobs []*config.Job) error {
	if err := d.checkPipelines(ctx, jobs); err != nil {
		return err
	}
	if err := d.checkNamespaceOfRuns(ctx, jobs); err != nil {
		return err
	}
	return d.checkNeeds(ctx, jobs)
}

// namespacePatience is how long a cluster is asked for the namespace of runs that reach
// Polyaxon without it.
const namespacePatience = 5 * time.Second

// checkNamespaceOfRuns refuses a namespace that does not exist, also where no secrets go
// there. Where Polyaxon has an address of its own, a cluster that cannot be asked is no
// hindrance: the runs do without.
func (d *Deployment) checkNamespaceOfRuns(ctx context.Context, jobs []*config.Job) error {
	if len(jobs) == 0 || d.Cluster == nil || d.Creates != "" {
		return nil
	}
	if d.Config.Polyaxon == nil {
		return d.CheckNamespace(ctx)
	}
	soon, cancel := context.WithTimeout(ctx, namespacePatience)
	defer cancel()
	if err := d.CheckNamespace(soon); errors.As(err, new(*cluster.NoNamespaceError)) {
		return err
	}
	return ctx.Err()
}

// checkNeeds refuses, before anything is built, jobs that would wait for ever: for a
// Secret that nobody has or, on the sandbox, for what this machine lacks. What the
// sandbox does not act on is told once.
func (d *Deployment) checkNeeds(ctx context.Context, jobs []*config.Job) error {
	var errs []error
	unheeded := map[string][]string{}
	secrets := secretsAlone{d.Inventory()}
	for _, j := range jobs {
		if d.Cluster != nil && (d.Embedded || d.Rest != nil) { // somebody can be asked
			errs = append(errs, d.checkSecrets(ctx, secrets, j))
		}
		if !d.Embedded {
			continue
		}
		compiled, err := job.Unbuilt(ctx, d.Project, j)
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
			errs = append(errs, &exit.NeverError{Job: j.Name, Why: lacks})
		}
	}
	if len(unheeded) > 0 {
		keys := slices.Sorted(maps.Keys(unheeded))
		var names []string
		for _, key := range keys {
			names = append(names, unheeded[key]...)
		}
		slices.Sort(names)
		d.Note(fmt.Sprintf("the sandbox does not act on %s (%s): a cluster does", strings.Join(keys, ", "), strings.Join(slices.Compact(names), ", ")))
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

// checkSecrets refuses a job that names a Secret which is neither in slipway.yaml nor
// where the run goes.
func (d *Deployment) checkSecrets(ctx context.Context, there lint.Inventory, j *config.Job) error {
	c := &checker.Checker{Env: d.Env, Project: d.Project, Versions: []schema.Version{schema.Newest()}, Cluster: there}
	problems, err := c.Check(ctx, checker.TargetOf(d.Project, j))
	errs := []error{err}
	for _, problem := range problems {
		if problem.Name == lint.MissingSecret {
			errs = append(errs, &source.Error{Position: problem.Position, Message: problem.Message, Hint: problem.Hint})
		}
	}
	return errors.Join(errs...)
}

// secretsAlone leaves all but Secrets to the run.
type secretsAlone struct{ lint.Inventory }

// Has implements lint.Inventory.
func (s secretsAlone) Has(ctx context.Context, kind lint.Kind, name string) bool {
	return kind != lint.Secret || s.Inventory.Has(ctx, kind, name)
}
