package dockerfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/image"
	"github.com/slipway-ci/slipway/internal/registry"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/internal/source"
)

// maxDockerfile is the limit on the size in bytes of a Dockerfile. No known file reaches
// it.
const maxDockerfile = 16 << 20

// Order describes an image of kind dockerfile, in addition to the fields that all images
// have.
type Order struct {
	image.Order
	// File, Target, BuildArgs, SSH and Git are as in Spec. FileAt is the position in
	// slipway.yaml of the file's name.
	File, Target string
	FileAt       source.Position
	BuildArgs    map[string]string
	SSH, Git     bool
	// Secrets reads the values of the build secrets.
	Secrets func(context.Context) (map[string]secret.Value, error)
	// Offline reports whether Check and Plan must not read secrets.
	Offline bool
	// Kubernetes, if not nil, returns the cluster in which a buildkitd may be started, or
	// nil if there is none. Its error is reported only if no other BuildKit is found.
	Kubernetes func(context.Context) (*Kubernetes, error)
}

// builder builds an image with BuildKit. The package image then adopts it.
type builder struct{ Order }

// NewBuilder returns the image.Builder for images of kind dockerfile.
func NewBuilder(o Order) image.Builder { return &builder{o} }

// Check opens the Dockerfile and, unless Offline, reads the secrets. It returns all errors
// joined.
func (b *builder) Check(ctx context.Context) error {
	var errs []error
	if file, err := source.Open(nil, b.path()); err == nil {
		_ = file.Close()
	} else {
		errs = append(errs, unreadable(b.Name, b.Dir, b.File, b.FileAt, err))
	}
	if !b.Offline {
		_, err := b.Secrets(ctx)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Plan returns what is known before the image is built. If the tree is clean and the
// registry has the image of its commit, that is up to date. Otherwise Plan returns what has
// changed in the tree.
func (b *builder) Plan(ctx context.Context) (*image.Planned, error) {
	spec, err := b.spec(ctx)
	if err != nil {
		return nil, err
	}
	reading, err := b.read(ctx, spec)
	if err != nil {
		return nil, err
	}
	if b.Revision.Clean {
		reference, err := b.To.Tagged(ctx, b.Name, registry.TagFor(b.Revision.Commit))
		if err != nil {
			return nil, fmt.Errorf("look up image %s: %w", b.Name, err)
		}
		if reference != nil {
			missing, err := image.MissingTags(ctx, b.To, *reference, b.Tags())
			return &image.Planned{Reference: *reference, UpToDate: true, MissingTags: missing}, err
		}
	}
	planned := &image.Planned{}
	if reading == nil {
		return planned, nil
	}
	made, err := b.ingredients(ctx, spec, reading)
	if err != nil {
		return nil, err
	}
	if planned.Changed, err = image.Changes(ctx, b.To, b.Order.Spec, made); err != nil {
		return nil, fmt.Errorf("look up image %s: %w", b.Name, err)
	}
	return planned, nil
}

// Build finds a BuildKit, builds and pushes the image with it, and has the image adopted.
// If the Dockerfile changes meanwhile, the error wraps an *image.ChangedError.
func (b *builder) Build(ctx context.Context) (*image.Pushed, error) {
	b.Notify(image.Begin, "looking for BuildKit")
	text, err := b.text()
	if err != nil {
		return b.failed(err)
	}
	spec, err := b.spec(ctx)
	if err != nil {
		return b.failed(err)
	}
	reading, err := b.read(ctx, spec)
	if err != nil {
		return b.failed(err)
	}
	buildkit, err := b.find(ctx)
	if err != nil {
		return b.failed(err)
	}
	b.Notify(image.Begin, "building with %s", buildkit.Name)
	repository, err := b.To.Reference(b.Name)
	if err != nil {
		return b.failed(err)
	}
	built, err := buildkit.Build(ctx, spec, Output{
		Repository: repository.String(), PlainHTTP: repository.Scheme() == "http", Keychain: b.To.Keychain, Transport: b.To.Transport,
	}, b.progress)
	if err != nil {
		return b.failed(err)
	}
	if after, err := b.text(); err != nil || !bytes.Equal(after, text) {
		return b.failed(&image.ChangedError{File: b.File})
	}
	pushed, err := b.adopt(ctx, spec, built, reading, text)
	if err != nil {
		b.Notify(image.Failed, "not tagged")
		return nil, fmt.Errorf("tag image %s: %w", b.Name, err)
	}
	pushed.Steps, pushed.Cached = built.Steps, built.Cached
	return pushed, nil
}

func (b *builder) failed(err error) (*image.Pushed, error) {
	b.Notify(image.Failed, "not built")
	return nil, fmt.Errorf("build image %s: %w", b.Name, err)
}

func (b *builder) path() string { return filepath.Join(b.Dir, filepath.FromSlash(b.File)) }

func (b *builder) text() ([]byte, error) { return source.ReadFile(nil, b.path(), maxDockerfile) }

// spec returns what BuildKit is to build. It has neither the commit nor the time, so that
// equal content has equal digests.
func (b *builder) spec(ctx context.Context) (Spec, error) {
	spec := Spec{
		Name: b.Name, Dir: b.Dir, File: b.File, Target: b.Target, BuildArgs: b.BuildArgs, SSH: b.SSH, Git: b.Git, Hidden: b.Hidden, At: b.At, Environ: b.Environ,
	}
	spec.Platforms = b.platforms()
	if b.Offline {
		return spec, nil
	}
	var err error
	spec.Secrets, err = b.Secrets(ctx)
	return spec, err
}

func (b *builder) find(ctx context.Context) (*Builder, error) {
	finder := Finder{Environ: b.Environ, Waiting: func(reason string) { b.Notify(image.Step, "%s", reason) }}
	var unreadable error
	if b.Kubernetes != nil {
		finder.Kubernetes, unreadable = b.Kubernetes(ctx)
	}
	found, err := Find(ctx, finder)
	if err != nil {
		return nil, errors.Join(err, unreadable)
	}
	return found, nil
}

// read returns what a build reads of the tree, and warns of secrets in it and of files that the checkout lacks. For a Dockerfile
// that cannot be parsed it returns nil, because BuildKit reports the error.
func (b *builder) read(ctx context.Context, spec Spec) (*Reading, error) {
	reading, err := Read(ctx, spec)
	if err != nil {
		return nil, ctx.Err()
	}
	for _, n := range slices.Concat(image.CredentialNotices(b.Name, reading.Secrets, reading.Excluded), reading.Absent.Notices(b.Name)) {
		b.Notify(n.Level, "%s", n.Text)
	}
	return reading, nil
}

// adopt adds annotations, attestations and tags to an image that BuildKit pushed, as other
// images have them. BuildKit does not add them itself, so that equal content is one image
// whatever the commit. text is the Dockerfile.
func (b *builder) adopt(ctx context.Context, spec Spec, built *Built, reading *Reading, text []byte) (*image.Pushed, error) {
	var describe func() (image.Ingredients, error)
	if reading != nil {
		describe = func() (image.Ingredients, error) {
			of, err := b.ingredients(ctx, spec, reading)
			of.Base = strings.Join(built.Bases, " ")
			return of, err
		}
	}
	var attest image.Attester
	if b.Attest != nil {
		attest = func(s image.Subject) ([]registry.Artifact, error) {
			s.Sources, s.File = built.Bases, &image.File{Path: b.File, Text: text}
			return b.Attest(s)
		}
	}
	return image.Adopt(ctx, b.To, b.Order.Spec, built.Digest, b.Tags(), attest, describe)
}

// ingredients returns what the image is made of, except its base images.
func (b *builder) ingredients(ctx context.Context, spec Spec, reading *Reading) (image.Ingredients, error) {
	files, err := image.Sums(ctx, b.Order.Spec, reading.Files)
	if err != nil {
		return image.Ingredients{}, fmt.Errorf("read the inputs of image %s: %w", b.Name, err)
	}
	made := image.Ingredients{Files: files}
	made.Set("kind", b.Kind)
	made.Set("target", b.Target)
	made.Set("platforms", strings.Join(spec.Platforms, " "))
	for name, value := range b.BuildArgs {
		made.Set("build argument "+name, value)
	}
	for id := range spec.Secrets {
		made.Set("build secret "+id, "")
	}
	if b.Git {
		made.Set("commit", b.Revision.Commit)
	}
	return made, nil
}

// progress reports the progress of BuildKit: the current step, and a log of all steps.
func (b *builder) progress(e Progress) {
	switch e.Event {
	case Started:
		b.Notify(image.Step, "%s", e.Step)
	case Transferred:
		if e.Total > 0 && b.Notice != nil {
			b.Notice(image.Notice{Level: image.Uploading, Text: e.What, Progress: registry.Progress{Bytes: e.Bytes, BytesTotal: e.Total}})
		}
	case Log:
		b.Notify(image.Log, "%s: %s", strings.TrimSpace(e.Step), e.Line)
	case Cached, Done, Failed:
		b.Notify(image.Log, "%s: %s", e.Step, e.Event)
	}
}
