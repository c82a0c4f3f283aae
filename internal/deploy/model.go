package deploy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/slipway-ci/slipway/internal/build"
	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/job"
	"github.com/slipway-ci/slipway/internal/manifest"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/run"
	runsof "github.com/slipway-ci/slipway/internal/runs"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/tasks/report"
)

// model is an entry of serve, and the run that made its model.
type model struct {
	*config.Serve
	// objects are the names of the objects of manifests that serve it.
	objects []string
	// optional leaves the model out, with its image, if the job has made none.
	optional bool

	// uuid is the run's UUID, "" while it is not known. commit and metrics are the run's.
	uuid, commit string
	metrics      map[string]float64
	// refused says why the run that the plan has found is not served.
	refused string
}

// served returns the model for its service.
func (m *model) served() config.Served {
	if m.uuid == "" {
		return m.Of(job.PlaceholderRun)
	}
	return m.Of(m.uuid)
}

// unknownRun stands for the run in manifests until it is known.
func (m *model) unknownRun() string { return "(the run that " + m.Model + " makes)" }

// addModels adds the entries of serve that the deployment can serve. objects are those of the manifests,
// also of manifests that are not applied. It returns an error for an entry without a service whose image
// no manifest uses.
func (d *Deployment) addModels(objects []*manifest.Object) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(d.Config.Serve)) {
		m := &model{Serve: d.Config.Serve[name]}
		for _, o := range objects {
			if o.HasContainer(m.Image) {
				m.objects = append(m.objects, o.String())
			}
		}
		if m.Service == "" && len(m.objects) == 0 {
			e := source.Errorf(d.Config.At("serve", name, "image"), "no container of a manifest uses image %s, and serve.%s names no service", m.Image, name)
			e.Hint = "write image: " + manifest.ImageScheme + m.Image + " in a manifest, or add service: NAME"
			errs = append(errs, e)
		}
		if d.Config.Cluster == nil {
			m.objects = nil // they are only checked
		}
		if m.Service != "" || len(m.objects) > 0 {
			d.models = append(d.models, m)
		}
	}
	return errors.Join(errs...)
}

// CheckServe returns an error, as a plan does, for an image of serve that nothing serves, a build argument that
// its Dockerfile does not declare, and a matrix of which nothing says which run is the best. Manifests that cannot
// be read, as with variables that are not set here, are left out.
func CheckServe(ctx context.Context, p *project.Project) error {
	d := &Deployment{Platform: platform.New(p)}
	var unused error
	if objects, err := manifest.Read(p.Config, "", p.Lookup); err == nil {
		unused = d.addModels(objects)
	}
	return errors.Join(unused, d.checkModels(ctx))
}

// servingServices returns the services that the deployment starts for its models.
func (d *Deployment) servingServices() (all []*config.Job) {
	for _, m := range d.models {
		if s := d.Config.Services[m.Service]; s != nil && !d.WithoutUpstream {
			all = append(all, s)
		}
	}
	return all
}

// checkModels returns an error for a build argument that a Dockerfile does not declare, and for a job
// with a matrix of which nothing says which run is the best.
func (d *Deployment) checkModels(ctx context.Context) error {
	var errs []error
	for _, m := range d.models {
		if m.BuildArg != "" {
			errs = append(errs, build.CheckArgument(d.Project, d.Config.Images[m.Image], m.BuildArg, d.Config.At("serve", m.Name, "build-arg")))
		}
		j := d.Config.Jobs[m.Model]
		compiled, err := job.CompiledWithPlaceholder(ctx, d.Project, j)
		if err != nil || compiled == nil {
			continue // reported elsewhere
		}
		if matrix := j.Matrix == config.MatrixExpand || compiled.Schedule() == "matrix"; matrix && len(j.Require) == 0 {
			e := source.Errorf(d.Config.At("serve", m.Name, "model"), "job %s makes a model for each run of its matrix, and nothing says which one is served", m.Model)
			e.Hint = "require a metric of it, as in require: {val_acc: \">= 0.9\"}: the best run by this metric is served then"
			errs = append(errs, e)
		}
	}
	return errors.Join(errs...)
}

// asksForModels reports whether Polyaxon is asked for the runs of models, as their jobs are not deployed.
func (d *Deployment) asksForModels() bool {
	return slices.ContainsFunc(d.models, func(m *model) bool { return !d.deploys(m.Model) })
}

// deploys reports whether the deployment runs a job.
func (d *Deployment) deploys(name string) bool {
	return slices.ContainsFunc(d.Jobs, func(j *config.Job) bool { return j.Name == name && !j.Service })
}

// findModels finds the runs of models whose jobs are not deployed: the last ones that succeeded and met
// what their jobs require.
func (d *Deployment) findModels(ctx context.Context) error {
	var errs []error
	for _, m := range slices.Clone(d.models) {
		if d.deploys(m.Model) || m.uuid != "" {
			continue
		}
		last, err := runsof.LastPassed(ctx, d.Platform, m.Model)
		if err != nil {
			return fmt.Errorf("find the model of serve.%s: %w", m.Name, err)
		}
		if last == nil && m.optional {
			d.Note(fmt.Sprintf("image %s is not built: it needs the run of job %s, which has made no model yet", m.Image, m.Model))
			d.models = slices.DeleteFunc(d.models, func(other *model) bool { return other == m })
			d.Images = slices.DeleteFunc(slices.Clone(d.Images), func(i *config.Image) bool { return i.Name == m.Image })
			continue
		}
		if last == nil {
			e := source.Errorf(d.Config.At("serve", m.Name, "model"), "there is no model to serve: job %s has no run that succeeded and met what it requires", m.Model)
			e.Hint = "slipway deploy runs it, and then serves the model"
			errs = append(errs, e)
			continue
		}
		outcome, err := run.Summarize(ctx, d.Polyaxon, d.RunTarget(last), nil)
		if err != nil {
			return fmt.Errorf("get run %s of job %s: %w", last.UUID, m.Model, err)
		}
		d.setRun(ctx, m, outcome)
	}
	d.serveModels()
	return errors.Join(errs...)
}

// setRun records the run that made the model, with MLflow's metrics of it.
func (d *Deployment) setRun(ctx context.Context, m *model, o *run.Outcome) {
	one := runsof.ReportOutcome(o)
	d.trackingServer().Add(ctx, m.Model, &one)
	m.setRun(&o.Run, one.Metrics)
}

// setRun records the run that made the model.
func (m *model) setRun(r *polyaxon.Run, metrics map[string]float64) {
	m.uuid, m.metrics = r.UUID, metrics
	m.commit, _ = r.MetaInfo[project.MetaCommit].(string)
}

// serveModels gives the services of the deployment their models.
func (d *Deployment) serveModels() {
	for n, j := range d.Jobs {
		for _, m := range d.models {
			if j.Service && j.Name == m.Service {
				serving := *j
				serving.Served = m.served()
				d.Jobs = slices.Clone(d.Jobs)
				d.Jobs[n] = &serving
			}
		}
	}
}

// environment returns the variables for containers of manifests, by their images.
func (d *Deployment) environment() map[string]map[string]string {
	all := map[string]map[string]string{}
	for _, m := range d.models {
		served := m.served()
		if m.uuid == "" {
			served = m.Of(m.unknownRun())
		}
		all[m.Image] = served.Variables()
	}
	return all
}

// report returns the model as a report shows it.
func (m *model) report() report.Served {
	r := report.Served{Name: m.Name, Model: m.Model, Run: m.uuid, Commit: m.commit, Metrics: m.metrics, By: slices.Clone(m.objects)}
	if r.Message = m.refused; m.Service != "" {
		r.By = append(r.By, "service "+m.Service)
	}
	return r
}
