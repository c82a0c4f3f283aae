package deploy

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/slipway-ci/slipway/internal/build"
	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/image"
	"github.com/slipway-ci/slipway/internal/job"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/wheel"
	"github.com/slipway-ci/slipway/tasks/report"
)

// images is the step that builds and pushes the images.
type images struct{ *Deployment }

// Apply implements Step.
func (s images) Apply(ctx context.Context, result *report.Result) error {
	pushed, err := build.Push(ctx, s.Platform, s.imagesToBuild(false))
	s.references = map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(pushed)) {
		s.references[name] = pushed[name].Reference.String()
		result.Images = append(result.Images, reportImage(pushed[name]))
	}
	if err == nil {
		err = manifests(s).checkImages(ctx)
	}
	return ifInterrupted(ctx, err)
}

// plannedImage is the plan of an image.
type plannedImage struct {
	report.Image
	// there is the image by digest if the registry already has it, and nil otherwise.
	there *name.Digest
	done  chan struct{}
}

// Plan implements Step. It builds locally, and asks the registry what it lacks.
func (s images) Plan(ctx context.Context, result *report.Result) (changes int, err error) {
	s.references, s.unbuilt = map[string]string{}, map[string]bool{}
	wanted := s.imagesToBuild(false)
	planned := make([]plannedImage, len(wanted))
	for n, i := range wanted {
		planned[n] = plannedImage{Image: report.Image{Name: i.Name, Action: report.ActionUnknown}, done: make(chan struct{})}
		s.references[i.Name] = job.PlaceholderImage
	}
	asks, err := s.connectForPlan(ctx, "the registry", platform.Uses{Images: len(wanted) > 0})
	if asks && err == nil {
		err = s.planAll(ctx, wanted, planned)
	}
	for _, one := range planned {
		if one.Reference != "" {
			s.references[one.Name] = one.Reference
		}
		s.unbuilt[one.Name] = one.Action == report.ActionBuild
		if one.Action != report.ActionUpToDate {
			changes++
		}
		result.Images = append(result.Images, one.Image)
	}
	return changes, err
}

func (s images) planAll(ctx context.Context, wanted []*config.Image, planned []plannedImage) error {
	places := map[string]int{}
	for n, i := range wanted {
		places[i.Name] = n
	}
	group, limited := panics.WithContext(ctx)
	group.SetLimit(build.Limit)
	for n, i := range wanted {
		group.Go(func() error {
			defer close(planned[n].done)
			var below *plannedImage
			if own, ok := places[i.OwnBase()]; ok {
				below = &planned[own]
				<-below.done // it is planned before this one
			}
			err := s.plan(limited, i, below, &planned[n])
			if err != nil && limited.Err() == nil && (isUnreachable(err) || s.NoSecrets != "" && errors.As(err, new(*wheel.IndexError))) {
				s.Event(report.Note, "image", i.Name, "image "+i.Name+" is unknown: "+err.Error())
				return nil
			}
			return err
		})
	}
	return group.Wait()
}

// plan plans one image. below is the plan of the image of slipway.yaml that it is built on, or nil.
func (s images) plan(ctx context.Context, i *config.Image, below, one *plannedImage) error {
	var base *name.Digest
	if below != nil {
		base = below.there
		if base == nil && below.Action != report.ActionUnknown { // the base has to be in the registry first
			one.Action, one.Reference, one.Changed = report.ActionBuild, job.PlaceholderImage, []string{"the base " + below.Name}
		}
		if base == nil {
			return nil
		}
	}
	s.NoteCacheUnused(i.Name)
	planned, err := build.Builder(s.Platform, i, base, build.Notices(s.Project, i.Name)).Plan(ctx)
	if err != nil {
		return err
	}
	one.Changed = planned.Changed
	if planned.Reference == (name.Digest{}) {
		one.Action, one.Reference = report.ActionBuild, job.PlaceholderImage
		return nil
	}
	one.Action = report.ActionPush
	if planned.UpToDate {
		one.Action, one.there = report.ActionUpToDate, &planned.Reference
	}
	if planned.UpToDate && len(planned.MissingTags) > 0 {
		one.Action, one.Tags = report.ActionTag, planned.MissingTags
	}
	one.Reference, one.Digest, one.Bytes, one.Layers = planned.Reference.String(), planned.Reference.DigestStr(), planned.Size, planned.Layers
	return nil
}

func reportImage(pushed *image.Pushed) report.Image {
	action := report.ActionPushed
	switch {
	case pushed.UpToDate:
		action = report.ActionUpToDate
	case pushed.Found:
		action = report.ActionTagged
	}
	return report.Image{
		Name: pushed.Name, Reference: pushed.Reference.String(), Digest: pushed.Reference.DigestStr(), Tags: pushed.Tags,
		Action: action, Bytes: pushed.BytesTotal, Sent: pushed.BytesSent, Layers: pushed.Layers, Changed: pushed.Changed,
	}
}
