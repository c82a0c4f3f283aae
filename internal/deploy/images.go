package deploy

import (
	"context"
	"maps"
	"slices"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/slipway-ci/slipway/internal/build"
	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/image"
	"github.com/slipway-ci/slipway/internal/job"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/tasks/report"
)

// images is the step that builds and pushes the images.
type images struct{ *Deployment }

// Apply implements Step.
func (s images) Apply(ctx context.Context, result *report.Result) error {
	pushed, err := build.Push(ctx, s.Platform, s.Images)
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

// Plan implements Step. It builds locally, and asks the registry what it lacks.
func (s images) Plan(ctx context.Context, result *report.Result) (changes int, err error) {
	s.references = map[string]string{}
	planned := make([]report.Image, len(s.Images))
	unchanged := make([]bool, len(s.Images))
	for n, i := range s.Images {
		planned[n] = report.Image{Name: i.Name, Action: unknown}
		s.references[i.Name] = job.PlaceholderImage
	}
	if s.connectForPlan(ctx, "the registry", platform.Uses{Images: len(s.Images) > 0}) {
		err = s.planAll(ctx, planned, unchanged)
	} else {
		err = ctx.Err()
	}
	for n, i := range s.Images {
		if planned[n].Reference != "" {
			s.references[i.Name] = planned[n].Reference
		}
		if !unchanged[n] {
			changes++
		}
	}
	result.Images = append(result.Images, planned...)
	return changes, err
}

func (s images) planAll(ctx context.Context, planned []report.Image, unchanged []bool) error {
	group, limited := panics.WithContext(ctx)
	group.SetLimit(build.Limit)
	for n, i := range s.Images {
		group.Go(func() error {
			one, same, err := s.plan(limited, i)
			if err != nil && limited.Err() == nil && isUnreachable(err) {
				s.Event(report.Note, "image", i.Name, "image "+i.Name+" is unknown: "+err.Error())
				return nil
			}
			planned[n], unchanged[n] = one, same
			return err
		})
	}
	return group.Wait()
}

// plan plans one image, and reports whether the registry already has it, with all its tags.
func (s images) plan(ctx context.Context, i *config.Image) (one report.Image, same bool, err error) {
	one = report.Image{Name: i.Name, Action: unknown}
	s.NoteCacheUnused(i.Name)
	planned, err := build.Builder(s.Platform, i, build.Notices(s.Project, i.Name)).Plan(ctx)
	if err != nil {
		return one, false, err
	}
	one.Changed = planned.Changed
	if planned.Reference == (name.Digest{}) {
		one.Action, one.Reference = "build", job.PlaceholderImage
		return one, false, nil
	}
	one.Action = "push"
	switch {
	case planned.UpToDate && len(planned.MissingTags) > 0:
		one.Action, one.Tags = "tag", planned.MissingTags
	case planned.UpToDate:
		one.Action = "up-to-date"
	}
	one.Reference, one.Digest, one.Bytes, one.Layers = planned.Reference.String(), planned.Reference.DigestStr(), planned.Size, planned.Layers
	return one, one.Action == "up-to-date", nil
}

func reportImage(pushed *image.Pushed) report.Image {
	action := "pushed"
	switch {
	case pushed.UpToDate:
		action = "up-to-date"
	case pushed.Found:
		action = "tagged"
	}
	return report.Image{
		Name: pushed.Name, Reference: pushed.Reference.String(), Digest: pushed.Reference.DigestStr(), Tags: pushed.Tags,
		Action: action, Bytes: pushed.BytesTotal, Sent: pushed.BytesSent, Layers: pushed.Layers, Changed: pushed.Changed,
	}
}
