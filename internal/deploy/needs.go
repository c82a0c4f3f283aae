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
	"github.com/slipway-ci/slipway/internal/sandbox"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/tasks/exit"
)

// checkRuns returns an error for jobs that the server would refuse, or that would wait for
// ever. It runs before anything is built.
func (d *Deployment) checkRuns(ctx context.Context, jobs []*config.Job) error {
	if err := d.checkPipelines(ctx, jobs); err != nil {
		return err
	}
	if err := d.checkNamespaceOfRuns(ctx, jobs); err != nil {
		return err
	}
	return d.checkNeeds(ctx, jobs)
}

// namespaceTimeout limits how long checkNamespaceOfRuns waits for the cluster when Polyaxon
// is reached without the cluster.
const namespaceTimeout = 5 * time.Second

// checkNamespaceOfRuns returns an error if the namespace of the runs does not exist, even if
// no secrets are written to it. If Polyaxon has its own address, the runs do not need the
// cluster, so a cluster that cannot be asked is not an error.
func (d *Deployment) checkNamespaceOfRuns(ctx context.Context, jobs []*config.Job) error {
	if len(jobs) == 0 || d.Cluster == nil || d.NamespaceToCreate != "" {
		return nil
	}
	if d.Config.Polyaxon == nil {
		return d.CheckNamespace(ctx)
	}
	soon, cancel := context.WithTimeout(ctx, namespaceTimeout)
	defer cancel()
	if err := d.CheckNamespace(soon); errors.As(err, new(*cluster.NoNamespaceError)) {
		return err
	}
	return ctx.Err()
}

// checkNeeds returns an error for jobs that would wait for ever: for a Secret that does not
// exist or, on the sandbox, for resources that this machine lacks. It notes once which keys
// the sandbox does not act on. It runs before anything is built.
func (d *Deployment) checkNeeds(ctx context.Context, jobs []*config.Job) error {
	var errs []error
	ignored := map[string][]string{}
	secrets := secretsOnly{d.Inventory()}
	for _, j := range jobs {
		if d.Cluster != nil && (d.Embedded || d.Rest != nil) { // the cluster can be asked
			errs = append(errs, d.checkSecrets(ctx, secrets, j))
		}
		if !d.Embedded {
			continue
		}
		compiled, err := job.CompiledWithPlaceholder(ctx, d.Project, j)
		if err != nil {
			return err
		}
		if compiled == nil {
			continue
		}
		for _, key := range ignoredKeys(compiled) {
			ignored[key] = append(ignored[key], j.Name)
		}
		pod, err := compiled.Pod()
		if err != nil {
			continue // reported when the job is submitted
		}
		if lacks := sandbox.Lacks(append(pod.Sidecars, pod.Container)...); lacks != "" {
			errs = append(errs, &exit.UnschedulableError{Job: j.Name, Why: lacks})
		}
	}
	if len(ignored) > 0 {
		keys := slices.Sorted(maps.Keys(ignored))
		var names []string
		for _, key := range keys {
			names = append(names, ignored[key]...)
		}
		slices.Sort(names)
		d.Note(fmt.Sprintf("the sandbox ignores %s (%s): only a cluster supports it", strings.Join(keys, ", "), strings.Join(slices.Compact(names), ", ")))
	}
	return errors.Join(errs...)
}

// ignoredKeys returns the keys of an operation that the sandbox on this machine does not
// act on.
func ignoredKeys(c *compile.Compiled) []string {
	keys := c.IgnoredKeys()
	if pod, err := c.Pod(); err == nil && !sandbox.EnforcesMemory() && !pod.Container.Resources.Limits.Memory().IsZero() {
		keys = append(keys, "container.resources.limits.memory")
	}
	return keys
}

// checkSecrets returns an error for a job that names a Secret that is neither in
// slipway.yaml nor in the namespace of the run.
func (d *Deployment) checkSecrets(ctx context.Context, there lint.Inventory, j *config.Job) error {
	c := &checker.Checker{Env: d.Env, Project: d.Project, Cluster: there}
	problems, err := c.Missing(ctx, j)
	errs := []error{err}
	for _, problem := range problems {
		if problem.Name == lint.MissingSecret {
			errs = append(errs, &source.Error{Position: problem.Position, Message: problem.Message, Hint: problem.Hint})
		}
	}
	return errors.Join(errs...)
}

// secretsOnly is an Inventory that checks only Secrets. It reports that everything else
// exists.
type secretsOnly struct{ lint.Inventory }

// Has implements lint.Inventory.
func (s secretsOnly) Has(ctx context.Context, kind lint.Kind, name string) bool {
	return kind != lint.Secret || s.Inventory.Has(ctx, kind, name)
}
