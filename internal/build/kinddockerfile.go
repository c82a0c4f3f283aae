package build

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/dockerfile"
	"github.com/slipway-ci/slipway/internal/image"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/internal/source"
)

// maxDockerfile is how much of a Dockerfile is read for its arguments, in bytes.
const maxDockerfile = 1 << 20

// dockerfileBuilder returns the builder of images from Dockerfiles. It uses BuildKit.
func dockerfileBuilder(o *imageBuild) image.Builder {
	p, i := o.to.Project, o.config
	return dockerfile.NewBuilder(dockerfile.Order{
		Order: o.Order, File: i.Dockerfile, FileAt: p.Config.At("images", i.Name, "dockerfile"), Target: i.Target,
		BuildArgs: i.BuildArgs, SSH: i.SSH, Git: i.Git, Offline: !p.ReadsSecrets(),
		Secrets: func(ctx context.Context) (map[string]secret.Value, error) { return buildSecrets(ctx, p, i) },
		Kubernetes: func(ctx context.Context) (*dockerfile.Kubernetes, error) {
			access, err := p.Access(ctx)
			if err != nil || access.Config == nil {
				return nil, err
			}
			return &dockerfile.Kubernetes{Config: access.Config, Namespace: o.to.RunNamespace}, nil
		},
	})
}

// buildSecrets reads the build secrets of an image. It returns them by their ids, and all
// errors, joined.
func buildSecrets(ctx context.Context, p *project.Project, i *config.Image) (map[string]secret.Value, error) {
	values, errs := map[string]secret.Value{}, []error{}
	for _, id := range slices.Sorted(maps.Keys(i.BuildSecrets)) {
		value, err := p.Resolve(ctx, i.BuildSecrets[id], "images", i.Name, "build-secrets", id)
		values[id], errs = value, append(errs, err)
	}
	return values, errors.Join(errs...)
}

// dockerfileParameters returns the parameters of an image of kind dockerfile.
func dockerfileParameters(i *config.Image) map[string]any {
	return map[string]any{
		"dockerfile": i.Dockerfile, "target": i.Target, "build-args": slices.Sorted(maps.Keys(i.BuildArgs)), "build-secrets": slices.Sorted(maps.Keys(i.BuildSecrets)), "ssh": i.SSH, "git": i.Git, "platforms": i.Platforms,
	}
}

// CheckArgument returns a *source.Error at a position if the Dockerfile of an image does not declare a
// build argument. A Dockerfile that cannot be read or parsed is reported elsewhere.
func CheckArgument(p *project.Project, i *config.Image, name string, at source.Position) error {
	file, err := source.Open(nil, p.File(i.Dockerfile))
	if err != nil {
		return nil
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxDockerfile))
	if err != nil {
		return nil
	}
	declared, err := dockerfile.Arguments(text)
	if err != nil || slices.Contains(declared, name) {
		return nil
	}
	e := source.Errorf(at, "%s declares no build argument %s", i.Dockerfile, name)
	if e.Hint = "add ARG " + name + " to it"; len(declared) > 0 {
		e.Hint += "; it declares " + strings.Join(declared, ", ")
	}
	return e
}
