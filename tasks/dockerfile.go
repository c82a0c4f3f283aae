package tasks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/slipway-ci/slipway/internal/attestation"
	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/dockerfile"
	"github.com/slipway-ci/slipway/internal/image"
	"github.com/slipway-ci/slipway/internal/printer"
	"github.com/slipway-ci/slipway/internal/registry"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/tasks/report"
)

// kindDockerfile is the kind of image that BuildKit builds.
const kindDockerfile = "dockerfile"

// pushDockerfile has BuildKit build an image and put it into the registry.
func (p *project) pushDockerfile(ctx context.Context, to *platform, i *config.Image) (*image.Pushed, error) {
	p.event(report.Start, "image", i.Name, "looking for BuildKit")
	failed := func(err error) (*image.Pushed, error) {
		p.event(report.Failed, "image", i.Name, "not built")
		return nil, fmt.Errorf("build image %s: %w", i.Name, err)
	}
	pace, stop := p.paced(ctx, i.Name)
	defer stop()
	text, err := p.dockerfile(i)
	if err != nil {
		return failed(err)
	}
	spec, err := p.dockerfileSpec(ctx, i, to.target)
	if err != nil {
		return failed(err)
	}
	reading, err := p.readDockerfile(ctx, i, spec)
	if err != nil {
		return failed(err)
	}
	finder := dockerfile.Finder{Environ: p.Environ, Waiting: pace.step}
	access, unreadable := p.access()
	if unreadable == nil && access.config != nil {
		finder.Kubernetes = &dockerfile.Kubernetes{Config: access.config, Namespace: to.namespace}
	}
	builder, err := dockerfile.Find(ctx, finder)
	if err != nil {
		return failed(errors.Join(err, unreadable))
	}
	p.event(report.Start, "image", i.Name, "building with "+builder.Name)
	repository, err := to.registry.Reference(i.Name)
	if err != nil {
		return failed(err)
	}
	built, err := builder.Build(ctx, spec, dockerfile.Output{
		Repository: repository.String(), PlainHTTP: repository.Scheme() == "http", Keychain: to.registry.Keychain, Transport: to.registry.Transport,
	}, func(e dockerfile.Progress) { p.buildEvent(pace, e) })
	if err != nil {
		return failed(err)
	}
	if after, err := p.dockerfile(i); err != nil || !bytes.Equal(after, text) {
		return failed(&image.ChangedError{File: i.Dockerfile})
	}
	pushed, err := p.adopt(ctx, to, i, spec, built, reading, text)
	if err != nil {
		p.event(report.Failed, "image", i.Name, "not tagged")
		return nil, fmt.Errorf("tag image %s: %w", i.Name, err)
	}
	p.event(report.Done, "image", i.Name, fmt.Sprintf("built in %d steps, %d of them cached: %s", built.Steps, built.Cached, pushed.Reference.DigestStr()[:19]))
	return pushed, nil
}

// dockerfile gives the text of an image's Dockerfile.
func (p *project) dockerfile(i *config.Image) ([]byte, error) {
	return source.ReadFile(nil, filepath.Join(p.config.Dir, filepath.FromSlash(i.Dockerfile)), maxText)
}

// adopt gives an image that BuildKit has pushed its annotations, attestations and
// tags: as the others have them. They are no part of what BuildKit makes, so that
// equal content stays one image whatever the commit. Text is the Dockerfile.
func (p *project) adopt(ctx context.Context, to *platform, i *config.Image, from dockerfile.Spec, built *dockerfile.Built, reading *dockerfile.Reading, text []byte) (*image.Pushed, error) {
	spec := p.spec(i, to.target)
	var describe func() (image.Ingredients, error)
	if reading != nil {
		describe = func() (image.Ingredients, error) {
			of, err := p.ingredients(ctx, spec, from, reading)
			of.Base = strings.Join(built.Bases, " ")
			return of, err
		}
	}
	var attest image.Attester
	if !p.NoAttestations {
		attest = p.attester(i, spec, made{sources: built.Bases, dockerfile: &attestation.File{Path: i.Dockerfile, Text: text}})
	}
	return image.Adopt(ctx, to.registry, spec, built.Digest, p.tags(i), attest, describe)
}

// readDockerfile reads what a build reads of the tree, and tells of secrets in it. A
// Dockerfile that cannot be understood is nil: BuildKit says what is wrong with it.
func (p *project) readDockerfile(ctx context.Context, i *config.Image, spec dockerfile.Spec) (*dockerfile.Reading, error) {
	reading, err := dockerfile.Read(ctx, spec)
	if err != nil {
		return nil, ctx.Err()
	}
	for _, n := range image.CredentialNotices(i.Name, reading.Secrets, reading.Left) {
		p.notice(i.Name, n)
	}
	return reading, nil
}

// ingredients say what an image is built of, but for what it begins with.
func (p *project) ingredients(ctx context.Context, s image.Spec, from dockerfile.Spec, reading *dockerfile.Reading) (image.Ingredients, error) {
	files, err := image.Sums(ctx, s, reading.Files)
	if err != nil {
		return image.Ingredients{}, fmt.Errorf("read what image %s is made of: %w", s.Name, err)
	}
	made := image.Ingredients{Files: files}
	made.Set("kind", s.Kind)
	made.Set("target", from.Target)
	made.Set("platforms", strings.Join(from.Platforms, " "))
	for name, value := range from.BuildArgs {
		made.Set("build argument "+name, value)
	}
	for id := range from.Secrets {
		made.Set("build secret "+id, "")
	}
	if from.Git {
		made.Set("commit", p.revision().Commit)
	}
	return made, nil
}

// dockerfileSpec says what BuildKit is to build. It names neither commit nor time:
// equal content is to have equal digests.
func (p *project) dockerfileSpec(ctx context.Context, i *config.Image, target v1.Platform) (dockerfile.Spec, error) {
	spec := dockerfile.Spec{
		Name: i.Name, Dir: p.config.Dir, File: i.Dockerfile, Target: i.Target, BuildArgs: i.BuildArgs, SSH: i.SSH, Git: i.Git,
		Platforms: i.Platforms, At: p.config.At("images", i.Name), Environ: p.Environ, Secrets: map[string]secret.Value{},
	}
	if len(spec.Platforms) == 0 {
		spec.Platforms = []string{target.String()}
	}
	for _, id := range sorted(i.BuildSecrets) {
		value, err := p.resolve(ctx, i.BuildSecrets[id], "images", i.Name, "build-secrets", id)
		if err != nil {
			return spec, err
		}
		spec.Secrets[id] = value
	}
	return spec, nil
}

// buildEvent tells how far BuildKit is: its steps with --verbose, else the one
// that goes on.
func (p *project) buildEvent(pace *pace, e dockerfile.Progress) {
	switch e.Event {
	case dockerfile.Started:
		pace.step(e.Step)
	case dockerfile.Moved:
		if e.Total > 0 {
			pace.progress(e.What + ": " + printer.Part(e.Bytes, e.Total))
		}
	case dockerfile.Log:
		p.event(report.Detail, "image", pace.name, strings.TrimSpace(e.Step)+": "+e.Line)
	case dockerfile.Cached, dockerfile.Done, dockerfile.Failed:
		p.event(report.Detail, "image", pace.name, e.Step+": "+string(e.Event))
	}
}

// planDockerfile says what is known of a Dockerfile's image before it is built: that of
// this very commit, if the registry has it, and else what has changed in the tree.
func (p *project) planDockerfile(ctx context.Context, to *platform, i *config.Image) (report.Image, error) {
	one := report.Image{Name: i.Name, Action: "build", Reference: unbuiltImage}
	spec, err := p.dockerfileSpec(ctx, i, to.target)
	if err != nil {
		return one, err
	}
	reading, err := p.readDockerfile(ctx, i, spec)
	if err != nil {
		return one, err
	}
	if r := p.revision(); r.Clean {
		reference, err := to.registry.Tagged(ctx, i.Name, registry.TagFor(r.Commit))
		if err != nil {
			return one, fmt.Errorf("ask for image %s: %w", i.Name, err)
		}
		if reference != nil {
			one.Action, one.Reference, one.Digest = "up-to-date", reference.String(), reference.DigestStr()
			return one, nil
		}
	}
	if reading == nil {
		return one, nil
	}
	target := p.spec(i, to.target)
	made, err := p.ingredients(ctx, target, spec, reading)
	if err != nil {
		return one, err
	}
	if one.Changed, err = image.Changes(ctx, to.registry, target, made); err != nil {
		return one, fmt.Errorf("ask for image %s: %w", i.Name, err)
	}
	return one, nil
}
