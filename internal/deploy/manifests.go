package deploy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/slipway-ci/slipway/internal/build"
	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/job"
	"github.com/slipway-ci/slipway/internal/manifest"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/rollout"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// ReadManifests is like Read for the manifests and their images only. It returns an error if
// there is no cluster to apply manifests to.
func ReadManifests(ctx context.Context, p *project.Project) (*Deployment, error) {
	d := &Deployment{Platform: platform.New(p)}
	if err := p.Config.Unsupported(); err != nil {
		return nil, err
	}
	if p.Config.Cluster == nil {
		return nil, &source.Error{Position: p.Config.At("manifests"), Message: "manifests need a cluster: the Kubernetes of the sandbox runs no workloads",
			Hint: "set cluster, in an environment for example"}
	}
	objects, err := manifest.Read(p.Config, p.Namespace(), p.Lookup)
	if err != nil {
		return nil, err
	}
	d.Manifests, d.Images = objects, withImages(p, nil, objects)
	return d, errors.Join(d.checkKey(ctx), build.Check(ctx, p, d.Images))
}

// readManifests reads the manifests, and adds their images to those of the deployment.
// Without a cluster it only checks them, and says so.
func (d *Deployment) readManifests() error {
	if len(d.Config.Manifests) == 0 {
		return nil
	}
	if d.Config.Cluster == nil {
		_, err := manifest.Read(d.Config, "", d.Lookup)
		if err == nil {
			d.Note("the manifests are checked, but not applied: the Kubernetes of the sandbox runs no workloads, and slipway.yaml has no other cluster")
		}
		return err
	}
	objects, err := manifest.Read(d.Config, d.Project.Namespace(), d.Lookup)
	d.Manifests, d.Images = objects, withImages(d.Project, d.Images, objects)
	return err
}

// withImages returns images and those that the objects use, sorted by name.
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
	return all
}

// manifests is the step that applies the manifests. It comes after the runs, so that what
// they trained can be served.
type manifests struct{ *Deployment }

// Apply implements Step.
func (s manifests) Apply(ctx context.Context, result *report.Result) error {
	if !s.Uses().Objects {
		return nil
	}
	s.Event(report.Start, "manifests", s.RunNamespace, "applying")
	changes, err := s.apply(ctx)
	result.Manifests = append(result.Manifests, reportManifests(changes)...)
	if err != nil {
		outcome := "not applied"
		if errors.As(err, new(*exit.RolloutError)) {
			outcome = "not rolled out"
		}
		s.Event(report.Failed, "manifests", s.RunNamespace, outcome)
		return exit.IfInterruptedWith(ctx, fmt.Errorf("apply manifests: %w", err), "manifests may be applied in part; another apply completes them")
	}
	s.Event(report.Done, "manifests", s.RunNamespace, tallyManifests(changes).String())
	return nil
}

func (s manifests) apply(ctx context.Context) ([]manifest.Change, error) {
	if err := secrets(s).createNamespace(ctx); err != nil {
		return nil, err
	}
	objects, err := s.Cluster.Objects()
	if err != nil {
		return nil, err
	}
	w := s.wantedManifests()
	changes, err := manifest.Plan(ctx, objects, w)
	if err != nil {
		return nil, err
	}
	made, err := manifest.Apply(ctx, objects, w, changes)
	if err == nil {
		err = s.wait(ctx, objects)
	}
	if err != nil {
		return changes, s.rollBack(ctx, objects, made, err)
	}
	return changes, manifest.DeletePruned(ctx, objects, w, changes)
}

// wait waits until all objects are rolled out.
func (s manifests) wait(ctx context.Context, in *cluster.Objects) error {
	if s.RolloutTimeout == 0 {
		return nil
	}
	var all []rollout.Object
	for _, o := range s.Manifests {
		all = append(all, rollout.Object{Kind: o.Kind(), Name: o.Name()})
	}
	return rollout.Wait(ctx, in, all, rollout.Options{Timeout: s.RolloutTimeout, Now: s.Now, Pause: s.Pause, Told: func(o rollout.Object, message string) {
		s.Event(report.Advance, "manifests", s.RunNamespace, o.String()+": "+message)
	}})
}

// rollBackLimit is how long a rollback may take.
const rollBackLimit = time.Minute

// rollBack puts back what was if that is asked for, also after an interrupt. It returns why,
// with what became of the rollback.
func (s manifests) rollBack(ctx context.Context, objects *cluster.Objects, made []manifest.Change, why error) error {
	if !s.Rollback || len(made) == 0 {
		return why
	}
	back, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollBackLimit)
	defer cancel()
	if err := manifest.Rollback(back, objects, made); err != nil {
		return exit.IfInterruptedWith(ctx, errors.Join(why, fmt.Errorf("roll back: %w", err)),
			"the manifests are applied in part, and could NOT be rolled back: "+err.Error())
	}
	const outcome = "rolled back: what was before is put back"
	s.Event(report.Done, "manifests", s.RunNamespace, outcome)
	return exit.IfInterruptedWith(ctx, why, "the manifests are "+outcome)
}

// Plan implements Step. It masks the values of Secrets.
func (s manifests) Plan(ctx context.Context, result *report.Result) (changes int, err error) {
	if s.connectForPlan(ctx, "the cluster", platform.Uses{Objects: s.Uses().Objects}) {
		planned, err := s.plan(ctx)
		if !isUnreachable(err) || ctx.Err() != nil {
			result.Manifests = append(result.Manifests, reportManifests(planned)...)
			return tallyManifests(planned).changed(), err
		}
		s.noteUnreachable("the cluster", err)
	}
	for _, o := range s.Manifests {
		result.Manifests = append(result.Manifests, report.Manifest{Kind: o.Kind().Kind, Name: o.Name(), Action: unknown})
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

// wantedManifests returns what to apply. Images that are not known yet have a placeholder.
func (d *Deployment) wantedManifests() manifest.Wanted {
	references := map[string]string{}
	for _, i := range d.Images {
		references[i.Name] = job.PlaceholderImage
	}
	maps.Copy(references, d.references)
	return manifest.Wanted{
		Project: d.Config.Project, Objects: d.Manifests, References: references, Unbuilt: job.PlaceholderImage,
		Prune: d.PruneManifests, Force: d.ForceConflicts, Pause: d.Pause,
	}
}

func reportManifests(changes []manifest.Change) []report.Manifest {
	var all []report.Manifest
	for _, c := range changes {
		all = append(all, report.Manifest{Kind: c.Kind.Kind, Name: c.Name, Action: string(c.Action), Diff: c.Diff})
	}
	return all
}

// ApplyManifests connects to the platform, builds and pushes the images of the manifests, and
// applies the manifests.
func (d *Deployment) ApplyManifests(ctx context.Context, result *report.Result) error {
	if err := d.Connect(ctx); err != nil {
		return err
	}
	return apply(ctx, []Step{images{d}, manifests{d}}, result)
}
