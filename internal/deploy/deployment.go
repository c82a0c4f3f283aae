// Package deploy implements a deploy as a list of steps. Each step can be planned and
// applied. Plan and Apply use the same steps, so a plan shows what a deploy does.
package deploy

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/slipway-ci/slipway/internal/artifact"
	"github.com/slipway-ci/slipway/internal/build"
	"github.com/slipway-ci/slipway/internal/checker"
	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/job"
	"github.com/slipway-ci/slipway/internal/manifest"
	"github.com/slipway-ci/slipway/internal/pipeline"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/internal/service"
	"github.com/slipway-ci/slipway/tasks/exit"
)

// Deployment is what a deploy works on. It is read and checked before anything is changed.
type Deployment struct {
	*platform.Platform
	// Jobs are sorted so that each job comes after its upstream.
	Jobs   []*config.Job
	Images []*config.Image
	// Bundles are the Kubernetes Secrets to write, with their values.
	Bundles []secret.Bundle
	// Manifests are the objects to apply after the runs.
	Manifests []*manifest.Object
	// PruneManifests deletes objects that slipway applied earlier and that no manifest names.
	PruneManifests bool
	// RolloutTimeout is how long to wait until the manifests are rolled out. Zero means
	// no waiting.
	RolloutTimeout time.Duration
	// Rollback puts back what was if the manifests cannot be applied or are not rolled out.
	Rollback bool
	// Prune deletes Secrets that slipway wrote earlier and that slipway.yaml no longer names.
	Prune bool
	// ForceConflicts takes fields of Secrets and manifests from other field managers.
	ForceConflicts bool
	// Restart restarts what runs and uses a Secret whose value has changed.
	Restart bool
	// Runs are the options for submitting and following the jobs.
	Runs pipeline.Options
	// WithoutUpstream deploys one job without its upstream. The last succeeded runs of the
	// upstream jobs are used instead.
	WithoutUpstream bool

	// Results is how each job ended. Apply sets it.
	Results []pipeline.JobResult

	// planned are the changes to the Secrets, once Connect has planned them.
	planned []secret.Change
	// models are the models to serve.
	models []*model
	// plannedRuns are what would become of the jobs, once they are planned.
	plannedRuns []pipeline.Planned
	// tracking is the address of MLflow's tracking server, nil if no job needs it.
	tracking *tracking
	// mlflow is that server itself: see trackingServer.
	mlflow     *service.MLflow
	mlflowOnce sync.Once
	// artifacts is what runs leave in the bucket, nil if nothing is copied.
	artifacts *artifact.Store
	// withoutJobs is set if slipway.yaml has no jobs, and all else of it is deployed.
	withoutJobs bool
	// claimMissing reports whether the volume claim that slipway.yaml describes does not exist
	// yet, once the runs are checked.
	claimMissing bool
	// claimErr is why that could not be asked then.
	claimErr error
	// data are the data sets that the jobs need, once they are compared.
	data []*dataSet
	// unread are the names of the secrets that the project does not read.
	unread []string
	// references maps the names of images to their references by digest.
	references map[string]string
	// unbuilt are the images of a plan whose digests are only known after they have been built.
	unbuilt map[string]bool
	// asksPolyaxon reports whether a plan can ask Polyaxon about the runs.
	asksPolyaxon bool
}

// Selection selects what to deploy.
type Selection struct {
	// Jobs are the names of the jobs to run, together with their upstream. Empty means all jobs.
	Jobs []string
	// Params are the params of the command line, each NAME=VALUE.
	Params []string
	// Expand makes slipway expand matrices itself instead of leaving that to the server.
	Expand bool
}

// Read reads and checks everything that a deploy needs. It changes nothing, and the only
// question it asks the server is its version. It returns all errors joined.
func Read(ctx context.Context, p *project.Project, w Selection) (*Deployment, error) {
	d := &Deployment{Platform: platform.New(p)}
	if rest := besidesJobs(p.Config); len(w.Jobs) == 0 && len(p.Config.Jobs) == 0 && len(rest) > 0 {
		p.Note("slipway.yaml has no jobs: a deploy acts only on its " + strings.Join(rest, ", "))
		d.withoutJobs = true
		d.Images, _ = p.Images(nil)
		return d, d.checkAll(ctx, w)
	}
	waves, err := p.Config.JobOrder(w.Jobs...)
	if err != nil {
		return nil, err
	}
	for _, wave := range waves {
		d.Jobs = append(d.Jobs, wave...)
	}
	d.addTracking()
	d.Images = p.ImagesOf(d.withServices())
	if len(w.Jobs) > 0 {
		return d, d.check(ctx, w)
	}
	return d, d.checkAll(ctx, w)
}

// besidesJobs returns the sections of slipway.yaml that a deploy without jobs acts on.
func besidesJobs(c *config.Config) []string {
	var sections []string
	for _, section := range []struct {
		name string
		has  bool
	}{
		{"images", len(c.Images) > 0}, {"secrets", len(c.Secrets) > 0}, {"volume", c.Volume != nil && c.Volume.Create != nil}, {"manifests", len(c.Manifests) > 0},
	} {
		if section.has {
			sections = append(sections, section.name)
		}
	}
	return sections
}

// checkAll reads the manifests, and checks everything.
func (d *Deployment) checkAll(ctx context.Context, w Selection) error {
	unread := d.readManifests()
	d.addTracking()
	d.Images = d.Config.WithBases(append(slices.Clip(d.Images), d.ImagesOf(d.withServices())...))
	return errors.Join(unread, d.check(ctx, w))
}

// ReadWithoutUpstream is like Read for one job or service without its upstream.
func ReadWithoutUpstream(ctx context.Context, p *project.Project, j *config.Job, params []string, expand bool) (*Deployment, error) {
	d := &Deployment{Platform: platform.New(p), Jobs: []*config.Job{j}, WithoutUpstream: true}
	if s := p.Config.ServeOf(j.Name); s != nil && j.Service {
		d.models = []*model{{Serve: s}}
	}
	d.addTracking()
	d.Images = p.ImagesOf(d.withServices())
	return d, d.check(ctx, Selection{Jobs: []string{j.Name}, Params: params, Expand: expand})
}

// ReadImages is like Read for images only. Empty names means all images.
func ReadImages(ctx context.Context, p *project.Project, names []string) (*Deployment, error) {
	d := &Deployment{Platform: platform.New(p)}
	var err error
	if d.Images, err = p.Images(names); err != nil {
		return nil, err
	}
	for _, i := range d.Images {
		if s := p.Config.BuiltForModel(i.Name); s != nil {
			d.models = append(d.models, &model{Serve: s, optional: len(names) == 0})
		}
	}
	return d, errors.Join(build.Check(ctx, p, d.Images), d.checkModels(ctx))
}

// ReadSecrets is like Read for the secrets only.
func ReadSecrets(ctx context.Context, p *project.Project) (*Deployment, error) {
	d := &Deployment{Platform: platform.New(p)}
	jobs := append(p.Jobs(), p.Services()...)
	if !p.ReadsSecrets() {
		d.unread = secretNames(p, jobs)
		return d, nil
	}
	var err error
	d.Bundles, err = bundles(ctx, p, jobs)
	return d, err
}

func (d *Deployment) check(ctx context.Context, w Selection) error {
	if len(d.Images) > 0 {
		d.PrefetchRevision()
	}
	if err := job.Override(ctx, d.Project, w.Params, w.Jobs); err != nil {
		return exit.IfInterrupted(ctx, err)
	}
	if w.Expand {
		if err := job.ExpandMatrices(ctx, d.Project, d.Jobs); err != nil {
			return exit.IfInterrupted(ctx, err)
		}
	}
	volume{d}.noteUnused()
	errs := []error{data{d}.checkPlaces()}
	if d.ReadsSecrets() {
		var err error
		d.Bundles, err = bundles(ctx, d.Project, d.withServices())
		errs = append(errs, err, d.checkToken(ctx), d.checkKey(ctx))
	}
	if !d.ReadsSecrets() {
		d.unread = secretNames(d.Project, d.withServices())
	}
	errs = append(errs, build.Check(ctx, d.Project, d.Images), checker.Jobs(ctx, d.Project, d.withServices()), d.checkModels(ctx))
	return exit.IfInterrupted(ctx, errors.Join(errs...))
}

// checkToken reads Polyaxon's token, if there are jobs and slipway.yaml configures a token.
func (d *Deployment) checkToken(ctx context.Context) error {
	if cfg := d.Config.Polyaxon; len(d.Jobs) > 0 && cfg != nil && cfg.Token != "" {
		_, err := d.ResolveCredential(ctx, cfg.Token, "polyaxon", "token")
		return err
	}
	return nil
}

// checkKey checks the service account key that slipway.yaml names, which sends no request.
func (d *Deployment) checkKey(ctx context.Context) error {
	if cfg := d.Config.Google; cfg == nil || cfg.Credentials == "" || !d.ReadsSecrets() {
		return nil
	}
	_, err := d.Google(ctx)
	return err
}

// Uses returns the parts of the platform that the deployment needs.
func (d *Deployment) Uses() platform.Uses {
	return platform.Uses{
		Images: len(d.Images) > 0, Secrets: len(d.Bundles) > 0 || d.Prune, Volume: volume{d}.used(), Runs: len(d.Jobs) > 0 || d.asksForModels(),
		Objects: len(d.Manifests) > 0 || d.PruneManifests,
	}
}

// Connect connects the deployment to the platform. It starts the sandbox if the project uses
// it, and changes nothing else. Without secrets it does nothing. It returns an error for a Secret, a volume claim or an object of a
// manifest that Kubernetes would refuse, and for a job that the server would refuse or that could
// never start.
func (d *Deployment) Connect(ctx context.Context) error {
	u := d.Uses()
	if err := d.CheckCombination(u); err != nil || d.NoSecrets != "" {
		return err
	}
	if err := d.Extend(ctx, u); err != nil {
		return exit.IfInterrupted(ctx, err)
	}
	if u.Runs {
		d.MaskRemote(ctx)
	}
	if u.Secrets {
		var err error
		if d.planned, err = (secrets{d}).prepare(ctx); err != nil {
			return exit.IfInterrupted(ctx, err)
		}
	}
	if err := (data{d}).compare(ctx); err != nil {
		return exit.IfInterrupted(ctx, err)
	}
	if err := errors.Join(d.checkRuns(ctx, d.Jobs), d.checkServices(ctx)); err != nil {
		return exit.IfInterrupted(ctx, err)
	}
	if err := d.findModels(ctx); err != nil {
		return exit.IfInterrupted(ctx, err)
	}
	if err := errors.Join(d.checkGates(ctx), d.connectArtifacts(ctx)); err != nil {
		return exit.IfInterrupted(ctx, err)
	}
	if u.Objects {
		if _, err := (manifests{d}).plan(ctx); err != nil {
			return exit.IfInterrupted(ctx, err)
		}
	}
	return exit.IfInterrupted(ctx, volume{d}.refusal(ctx))
}
