package build

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/dockerfile"
	"github.com/slipway-ci/slipway/internal/image"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/secret"
)

// dockerfileBuilder builds images of Dockerfiles, with BuildKit.
func dockerfileBuilder(o *order) image.Builder {
	p, i := o.to.Project, o.config
	return dockerfile.NewBuilder(dockerfile.Order{
		Order: o.Order, File: i.Dockerfile, FileAt: p.Config.At("images", i.Name, "dockerfile"), Target: i.Target,
		BuildArgs: i.BuildArgs, SSH: i.SSH, Git: i.Git, Offline: p.Offline,
		Secrets: func(ctx context.Context) (map[string]secret.Value, error) { return buildSecrets(ctx, p, i) },
		Kubernetes: func() (*dockerfile.Kubernetes, error) {
			access, err := p.Access()
			if err != nil || access.Config == nil {
				return nil, err
			}
			return &dockerfile.Kubernetes{Config: access.Config, Namespace: o.to.RunNamespace}, nil
		},
	})
}

// buildSecrets reads the secrets of an image's build, by their ids.
func buildSecrets(ctx context.Context, p *project.Project, i *config.Image) (map[string]secret.Value, error) {
	values, errs := map[string]secret.Value{}, []error{}
	for _, id := range slices.Sorted(maps.Keys(i.BuildSecrets)) {
		value, err := p.Resolve(ctx, i.BuildSecrets[id], "images", i.Name, "build-secrets", id)
		values[id], errs = value, append(errs, err)
	}
	return values, errors.Join(errs...)
}

func dockerfileParameters(i *config.Image) map[string]any {
	return map[string]any{
		"dockerfile": i.Dockerfile, "target": i.Target, "build-args": slices.Sorted(maps.Keys(i.BuildArgs)), "build-secrets": slices.Sorted(maps.Keys(i.BuildSecrets)), "ssh": i.SSH, "git": i.Git, "platforms": i.Platforms,
	}
}
