package deploy

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/slipway-ci/slipway/internal/build"
	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/job"
	"github.com/slipway-ci/slipway/internal/manifest"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/tasks/report"
)

// ReadManifests is like Read for the manifests and their images only. It returns an error if
// there is no cluster to apply manifests to.
func ReadManifests(ctx context.Context, p *project.Project) (*Deployment, error) {
	d := &Deployment{Platform: platform.New(p)}
	if p.Config.Cluster == nil {
		return nil, &source.Error{Position: p.Config.At("manifests"), Message: "manifests need a cluster: the Kubernetes of the sandbox runs no workloads",
			Hint: "set cluster, in an environment for example"}
	}
	objects, err := manifest.Read(p.Config, p.Namespace(), p.Lookup)
	if err != nil {
		return nil, err
	}
	d.useManifests(objects)
	unused := d.addModels(objects)
	d.models = slices.DeleteFunc(d.models, func(m *model) bool { return len(m.objects) == 0 })
	return d, errors.Join(unused, d.checkKey(ctx), build.Check(ctx, p, d.Images), d.checkModels(ctx))
}

// readManifests reads the manifests, and adds their images to those of the deployment.
// Without a cluster it only checks them, and says so.
func (d *Deployment) readManifests() error {
	if len(d.Config.Manifests) == 0 {
		return d.addModels(nil)
	}
	if d.Config.Cluster == nil {
		objects, err := manifest.Read(d.Config, "", d.Lookup)
		if err == nil {
			err = d.addModels(objects)
			d.Note("the manifests are checked, but not applied: the Kubernetes of the sandbox runs no workloads, and slipway.yaml has no other cluster")
		}
		return err
	}
	objects, err := manifest.Read(d.Config, d.Project.Namespace(), d.Lookup)
	d.useManifests(objects)
	if err != nil {
		return err
	}
	return d.addModels(objects)
}

// useManifests adds manifests, and their images, to the deployment. It masks their secrets.
func (d *Deployment) useManifests(objects []*manifest.Object) {
	d.Manifests, d.Images = objects, withImages(d.Project, d.Images, objects)
	secret.LearnSuspects(d.Secrets, manifest.SecretValues(objects)...)
}

// withImages returns images, those that the objects use and those that these are built on, each
// after its base.
func withImages(p *project.Project, images []*config.Image, objects []*manifest.Object) []*config.Image {
	used := map[string]*config.Image{}
	for _, i := range images {
		used[i.Name] = i
	}
	for _, o := range objects {
		for _, name := range o.Images() {
			used[name] = p.Config.Images[name]
		}
	}
	var all []*config.Image
	for _, name := range slices.Sorted(maps.Keys(used)) {
		all = append(all, used[name])
	}
	return p.Config.WithBases(all)
}

// Plan implements Step. It masks the values of Secrets.
func (s manifests) Plan(ctx context.Context, result *report.Result) (changes int, err error) {
	if !s.gatesHold() {
		for _, o := range s.Manifests {
			result.Manifests = append(result.Manifests, report.Manifest{Kind: o.Kind().Kind, Name: o.Name(), Action: report.ActionUnchanged, Reason: "a job does not meet what it requires"})
		}
		return 0, ctx.Err()
	}
	asks, err := s.connectForPlan(ctx, "the cluster", platform.Uses{Objects: s.Uses().Objects})
	if err != nil {
		return 0, err
	}
	if asks {
		planned, err := s.plan(ctx)
		if !isUnreachable(err) || ctx.Err() != nil {
			result.Manifests = append(result.Manifests, reportManifests(planned)...)
			return tallyManifests(planned).changed(), err
		}
		s.noteUnreachable("the cluster", err)
	}
	for _, o := range s.Manifests {
		result.Manifests = append(result.Manifests, report.Manifest{Kind: o.Kind().Kind, Name: o.Name(), Action: report.ActionUnknown})
		changes++
	}
	return changes, ctx.Err()
}

// plan asks the server by dry runs what Apply would change. The error says which changes it
// would refuse.
func (s manifests) plan(ctx context.Context) ([]manifest.Change, error) {
	objects, err := s.Cluster.Objects()
	if err != nil {
		return nil, err
	}
	return manifest.Plan(ctx, objects, s.wantedManifests())
}

// checkImages asks the server again about the manifests if they name images, now that these have
// digests: a policy may refuse one, and a Job that runs cannot get another. So that is found before
// anything runs.
func (s manifests) checkImages(ctx context.Context) error {
	if !slices.ContainsFunc(s.Manifests, func(o *manifest.Object) bool { return len(o.Images()) > 0 }) {
		return nil
	}
	objects, err := s.Cluster.Objects()
	if err != nil {
		return err
	}
	w := s.wantedManifests()
	w.Prune = false
	_, err = manifest.Plan(ctx, objects, w)
	return err
}

// wantedManifests returns what to apply. Of images whose digest is not known yet, a placeholder
// stands for the digest, so that a policy of the cluster sees the registry that they will be in.
func (d *Deployment) wantedManifests() manifest.Wanted {
	references, unbuilt := map[string]string{}, map[string]bool{}
	for _, i := range d.Images {
		if known := d.references[i.Name]; known != "" && known != job.PlaceholderImage {
			references[i.Name] = known
			continue
		}
		references[i.Name], unbuilt[i.Name] = job.PlaceholderImage, true
		if d.Registry == nil {
			continue
		}
		if repository, err := d.Registry.Reference(i.Name); err == nil { // the build would report it
			references[i.Name] = repository.Digest(job.PlaceholderDigest).String()
		}
	}
	return manifest.Wanted{
		Project: d.Config.Project, Objects: d.Manifests, References: references, Unbuilt: unbuilt, Environment: d.environment(),
		Prune: d.PruneManifests, Force: d.ForceConflicts, Pause: d.Pause,
	}
}

func reportManifests(changes []manifest.Change) []report.Manifest {
	var all []report.Manifest
	for _, c := range changes {
		all = append(all, report.Manifest{Kind: c.Kind.Kind, Name: c.Name, Action: report.Action(c.Action), Reason: c.Reason, Diff: c.Diff})
	}
	return all
}

// ApplyManifests connects to the platform, builds and pushes the images of the manifests, and
// applies the manifests.
func (d *Deployment) ApplyManifests(ctx context.Context, result *report.Result) error {
	if d.NoSecrets != "" {
		return d.planOnly(ctx, []Step{images{d}, manifests{d}, serve{d}}, result)
	}
	if err := d.Connect(ctx); err != nil {
		return err
	}
	return apply(ctx, []Step{images{d}, manifests{d}, serve{d}}, result)
}
