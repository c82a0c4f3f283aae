package doctor

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/build"
	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/image"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/registry"
)

// baseImage is an image that images of slipway.yaml start from, or that Dockerfiles copy from.
type baseImage struct {
	reference string
	// first is the first image that uses it.
	first *config.Image
	// direct reports whether slipway reads it itself. BuildKit reads those of Dockerfiles.
	direct bool
}

// lookAtBases finds out whether the registries let the user read the base images.
func lookAtBases(ctx context.Context, v *visit, f *findings) {
	all, err := basesOf(ctx, v)
	if err != nil {
		return // builder says which file is missing
	}
	errs := make([]error, len(all))
	var group panics.Group
	group.SetLimit(registry.Parallel)
	for n, b := range all {
		group.Go(func() error {
			spec := image.Spec{Name: b.first.Name, Base: b.reference, At: v.Config.At("images", b.first.Name)}
			errs[n] = image.CheckBase(ctx, spec, v.registries())
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		f.fail("read", err, "")
		return
	}
	var readable []string
	silent := map[string]bool{} // the hosts that do not answer
	for n, b := range all {
		reference, err := v.registries().Parse(b.reference)
		host := ""
		if err == nil {
			host = reference.Context().RegistryStr()
		}
		switch unanswered := registry.Status(errs[n]) == 0 && host != ""; {
		case errs[n] == nil:
			readable = append(readable, b.reference)
		case unanswered && silent[host]:
		default:
			silent[host] = unanswered
			reportBase(v, b, errs[n], unanswered, f)
		}
	}
	if len(readable) > 0 {
		f.ok("read", "may read %s", strings.Join(readable, ", "))
	}
}

// reportBase reports a base that cannot be read from here. BuildKit may read one of a Dockerfile
// through a mirror, and a Docker daemon may have it already.
func reportBase(v *visit, b baseImage, err error, unanswered bool, f *findings) {
	what := "read " + b.reference
	if !b.direct {
		builder, _ := v.buildKit()
		own := builder != nil && builder.HasImages()
		if own || unanswered {
			f.warn(what, err.Error()+"; BuildKit may have it, or reach it through a mirror", advice(err, "the base"))
			return
		}
	}
	f.fail(what, err, advice(err, "the base"))
}

// basesOf returns the distinct bases of all images, those that slipway reads itself first.
func basesOf(ctx context.Context, v *visit) ([]baseImage, error) {
	images, err := v.Images(nil)
	if err != nil {
		return nil, err
	}
	byReference := map[string]*baseImage{}
	for _, i := range images {
		references, err := build.Bases(ctx, v.Project, i)
		if err != nil {
			continue // builder says that the Dockerfile is missing
		}
		for _, reference := range references {
			if byReference[reference] == nil {
				byReference[reference] = &baseImage{reference: reference, first: i}
			}
			b := byReference[reference]
			b.direct = b.direct || !i.NeedsBuildKit()
		}
	}
	var direct, others []baseImage
	for _, reference := range slices.Sorted(maps.Keys(byReference)) {
		if b := byReference[reference]; b.direct {
			direct = append(direct, *b)
		} else {
			others = append(others, *b)
		}
	}
	return slices.Concat(direct, others), nil
}
