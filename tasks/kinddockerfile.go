package tasks

import (
	"context"
	"errors"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/dockerfile"
	"github.com/slipway-ci/slipway/internal/image"
	"github.com/slipway-ci/slipway/internal/secret"
)

// dockerfileBuilder builds images of Dockerfiles, with BuildKit.
func dockerfileBuilder(o *order) image.Builder {
	p, i := o.project, o.config
	return dockerfile.NewBuilder(dockerfile.Order{
		Order: o.Order, File: i.Dockerfile, FileAt: p.config.At("images", i.Name, "dockerfile"), Target: i.Target,
		BuildArgs: i.BuildArgs, SSH: i.SSH, Git: i.Git, Offline: p.offline,
		Secrets: func(ctx context.Context) (map[string]secret.Value, error) { return p.buildSecrets(ctx, i) },
		Kubernetes: func() (*dockerfile.Kubernetes, error) {
			access, err := p.access()
			if err != nil || access.config == nil {
				return nil, err
			}
			return &dockerfile.Kubernetes{Config: access.config, Namespace: o.to.namespace}, nil
		},
	})
}

// buildSecrets reads the secrets of an image's build, by their ids.
func (p *project) buildSecrets(ctx context.Context, i *config.Image) (map[string]secret.Value, error) {
	values, errs := map[string]secret.Value{}, []error{}
	for _, id := range sorted(i.BuildSecrets) {
		value, err := p.resolve(ctx, i.BuildSecrets[id], "images", i.Name, "build-secrets", id)
		values[id], errs = value, append(errs, err)
	}
	return values, errors.Join(errs...)
}

func dockerfileParameters(i *config.Image) map[string]any {
	return map[string]any{
		"dockerfile": i.Dockerfile, "target": i.Target, "build-args": sorted(i.BuildArgs), "build-secrets": sorted(i.BuildSecrets), "ssh": i.SSH, "git": i.Git, "platforms": i.Platforms,
	}
}
