package dockerfile

import (
	"context"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// CheckTools finds an SSH agent, if steps use one.
func (b *builder) CheckTools(ctx context.Context) error {
	spec, err := b.spec(ctx)
	if err != nil {
		return err
	}
	_, err = spec.normalized()
	return err
}

// Bases returns the images that the Dockerfile names: that of its syntax, and those from which
// stages begin or take files. It returns none for a Dockerfile that cannot be parsed, because
// BuildKit reports the error.
func (b *builder) Bases(context.Context) ([]string, error) {
	text, err := b.text()
	if err != nil {
		return nil, err
	}
	var all []string
	if syntax, _, _, named := parser.DetectSyntax(text); named {
		all = append(all, strings.Fields(syntax)[:1]...)
	}
	for _, platform := range b.platforms() {
		parsed, err := v1.ParsePlatform(platform)
		if err != nil {
			return nil, err
		}
		stages, err := stagesOf(Spec{Target: b.Target, BuildArgs: b.BuildArgs}, text, *parsed)
		if err == nil { // otherwise BuildKit reports it
			for _, one := range stages {
				all = append(all, one.images...)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// platforms returns the platforms to build for.
func (b *builder) platforms() []string {
	var all []string
	for _, platform := range b.Platforms {
		all = append(all, platform.String())
	}
	return all
}

// HasImages reports whether the builder may have images of its own, which it then does not read
// in a registry. A Docker daemon has those that were built or pulled before.
func (b *Builder) HasImages() bool { return b.docker != nil }
