package deploy

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
	"github.com/slipway-ci/slipway/internal/job"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/compile"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/sandbox"
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
	return errors.Join(d.checkNeeds(ctx, jobs), volume{d}.check(ctx))
}

// namespaceTimeout limits how long checkNamespaceOfRuns waits for the cluster when Polyaxon
// is reached without the cluster.
const namespaceTimeout = 5 * time.Second

// checkNamespaceOfRuns returns an error if the namespace of the runs and the volume does not exist or is
// being deleted, even if no secrets are written to it. If Polyaxon has its own address, the runs do not need the
// cluster, so a cluster that cannot be asked is not an error.
func (d *Deployment) checkNamespaceOfRuns(ctx context.Context, jobs []*config.Job) error {
	if len(jobs) == 0 && !(volume{d}).used() || d.Cluster == nil || d.NamespaceToCreate != "" {
		return nil
	}
	if d.Config.Polyaxon == nil {
		return d.CheckNamespace(ctx)
	}
	soon, cancel := context.WithTimeout(ctx, namespaceTimeout)
	defer cancel()
	if err := d.CheckNamespace(soon); errors.As(err, new(*cluster.NoNamespaceError)) || errors.As(err, new(*cluster.LeavingError)) {
		return err
	}
	return ctx.Err()
}

// checkNeeds returns an error for jobs that could never start: for an object that does not
// exist where they run, for more than their namespace or its nodes have or, on the sandbox,
// for resources that this machine lacks. It notes what only delays a job, and once which keys
// the sandbox does not act on. It runs before anything is built.
func (d *Deployment) checkNeeds(ctx context.Context, jobs []*config.Job) error {
	canAsk := d.Cluster != nil && (d.Embedded || d.Rest != nil) // the cluster where the jobs run
	if len(jobs) == 0 || !canAsk && !d.Embedded {
		return nil
	}
	wanted := make([]*demand, len(jobs))
	for i, j := range jobs {
		var err error
		if wanted[i], err = d.demandOf(ctx, j); err != nil {
			return err
		}
	}
	s := &surroundings{}
	if canAsk {
		var err error
		if s, err = d.checkCluster(ctx, wanted); err != nil {
			return err
		}
	}
	if d.Embedded {
		d.checkMachine(wanted)
	}
	return d.tell(ctx, s, wanted)
}

// demand is what a job demands of the place where it runs.
type demand struct {
	job  *config.Job
	file *file.File
	// compiled is nil if the job is only compiled later, such as a dag.
	compiled *compile.Compiled

	// errs are why the job can never start, and notes what only delays it or may do so.
	errs  []error
	notes []string
}

// found adds what was found against the job.
func (w *demand) found(never bool, err error) {
	if never {
		w.errs = append(w.errs, err)
	} else {
		w.notes = append(w.notes, err.Error())
	}
}

func (d *Deployment) demandOf(ctx context.Context, j *config.Job) (*demand, error) {
	f, err := job.File(ctx, d.Project, j)
	if err != nil {
		return nil, err
	}
	compiled, err := job.CompiledWithPlaceholder(ctx, d.Project, j)
	return &demand{job: j, file: f, compiled: compiled}, err
}

// tell notes and returns what was found against jobs. Jobs that have succeeded already need
// nothing any more.
func (d *Deployment) tell(ctx context.Context, s *surroundings, wanted []*demand) error {
	waves, err := d.wavesOf(wanted)
	if err != nil {
		return err
	}
	wanted, err = d.withoutSucceeded(ctx, wanted, len(s.together(waves, wanted)) > 0)
	if err != nil {
		return err
	}
	var errs []error
	for _, w := range wanted {
		errs = append(errs, w.errs...)
		for _, note := range w.notes {
			d.Note(note)
		}
	}
	for _, note := range s.together(waves, wanted) {
		d.Note(note)
	}
	return errors.Join(errs...)
}

// wavesOf returns the jobs that run side by side, wave by wave, and then the services. A single one
// runs beside no other.
func (d *Deployment) wavesOf(wanted []*demand) (waves [][]*config.Job, err error) {
	if len(wanted) < 2 {
		return nil, nil
	}
	var names []string
	var services []*config.Job
	for _, w := range wanted {
		if w.job.Service {
			services = append(services, w.job)
		} else {
			names = append(names, w.job.Name)
		}
	}
	if len(names) > 0 {
		waves, err = d.Config.JobOrder(names...)
	}
	return append(waves, services), err
}

// checkMachine adds to each job which resources that it needs the sandbox's machine lacks. It
// notes once which keys the sandbox does not act on.
func (d *Deployment) checkMachine(wanted []*demand) {
	ignored := map[string][]string{}
	for _, w := range wanted {
		if w.compiled == nil {
			continue
		}
		for _, key := range ignoredKeys(w.compiled) {
			ignored[key] = append(ignored[key], w.job.Name)
		}
		pod, err := w.compiled.Pod()
		if err != nil {
			continue // reported when the job is submitted
		}
		if lacks := sandbox.Lacks(append(pod.Sidecars, pod.Container)...); lacks != "" {
			w.found(true, &exit.UnschedulableError{Job: w.job.Name, Why: lacks})
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
