package dockerfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/slipway-ci/slipway/internal/image"
	"github.com/slipway-ci/slipway/internal/registry"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/internal/source"
)

// maxDockerfile is how much of a Dockerfile is read: more than any has.
const maxDockerfile = 16 << 20

// Order is what an image of kind dockerfile is made of, beside what all images are told.
type Order struct {
	image.Order
	// File, Target, BuildArgs, SSH and Git are as in Spec. FileAt is where slipway.yaml
	// names the file.
	File, Target string
	FileAt       source.Position
	BuildArgs    map[string]string
	SSH, Git     bool
	// Secrets reads the values of build secrets.
	Secrets func(context.Context) (map[string]secret.Value, error)
	// Offline has Check read no secrets.
	Offline bool
	// Kubernetes gives the cluster in which a BuildKit may be started; nil for none. Its
	// error is told when there is no other BuildKit.
	Kubernetes func() (*Kubernetes, error)
}

// builder has BuildKit build an image, which image then adopts.
type builder struct{ Order }

// NewBuilder returns the image.Builder for images of kind dockerfile.
func NewBuilder(o Order) image.Builder { return &builder{o} }

// Check opens the Dockerfile and reads the secrets.
func (b *builder) Check(ctx context.Context) error {
	var errs []error
	if file, err := source.Open(nil, b.path()); err == nil {
		_ = file.Close()
	} else {
		message := fmt.Sprintf("image %s: the Dockerfile %s cannot be read", b.Name, b.File)
		if irregular := new(source.IrregularError); errors.As(err, &irregular) {
			message = fmt.Sprintf("image %s: the Dockerfile %s %v", b.Name, b.File, irregular)
		}
		errs = append(errs, &source.Error{Position: b.FileAt, Message: message, Err: err})
	}
	if !b.Offline {
		_, err := b.Secrets(ctx)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Plan says what is known before the image is built: the one of this very commit, if the
// registry has it, and else what has changed in the tree.
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
			return nil, fmt.Errorf("ask for image %s: %w", b.Name, err)
		}
		if reference != nil {
			return &image.Planned{Reference: *reference, UpToDate: true}, nil
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
		return nil, fmt.Errorf("ask for image %s: %w", b.Name, err)
	}
	return planned, nil
}

// Build finds a BuildKit, has it build and push, and has the image adopted.
func (b *builder) Build(ctx context.Context) (*image.Pushed, error) {
	b.Tell(image.Begin, "looking for BuildKit")
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
	b.Tell(image.Begin, "building with %s", buildkit.Name)
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
		b.Tell(image.Failed, "not tagged")
		return nil, fmt.Errorf("tag image %s: %w", b.Name, err)
	}
	pushed.Steps, pushed.Cached = built.Steps, built.Cached
	return pushed, nil
}

func (b *builder) failed(err error) (*image.Pushed, error) {
	b.Tell(image.Failed, "not built")
	return nil, fmt.Errorf("build image %s: %w", b.Name, err)
}

func (b *builder) path() string { return filepath.Join(b.Dir, filepath.FromSlash(b.File)) }

func (b *builder) text() ([]byte, error) { return source.ReadFile(nil, b.path(), maxDockerfile) }

// spec says what BuildKit is to build. It names neither commit nor time: equal content is
// to have equal digests.
func (b *builder) spec(ctx context.Context) (Spec, error) {
	spec := Spec{
		Name: b.Name, Dir: b.Dir, File: b.File, Target: b.Target, BuildArgs: b.BuildArgs, SSH: b.SSH, Git: b.Git, At: b.At, Environ: b.Environ,
	}
	for _, platform := range b.Platforms {
		spec.Platforms = append(spec.Platforms, platform.String())
	}
	var err error
	spec.Secrets, err = b.Secrets(ctx)
	return spec, err
}

func (b *builder) find(ctx context.Context) (*Builder, error) {
	finder := Finder{Environ: b.Environ, Waiting: func(reason string) { b.Tell(image.Step, "%s", reason) }}
	var unreadable error
	if b.Kubernetes != nil {
		finder.Kubernetes, unreadable = b.Kubernetes()
	}
	found, err := Find(ctx, finder)
	if err != nil {
		return nil, errors.Join(err, unreadable)
	}
	return found, nil
}

// read reads what a build reads of the tree, and tells of secrets in it. A Dockerfile
// that cannot be understood gives nil: BuildKit says what is wrong with it.
func (b *builder) read(ctx context.Context, spec Spec) (*Reading, error) {
	reading, err := Read(ctx, spec)
	if err != nil {
		return nil, ctx.Err()
	}
	for _, n := range image.CredentialNotices(b.Name, reading.Secrets, reading.Left) {
		b.Tell(n.Level, "%s", n.Text)
	}
	return reading, nil
}

// adopt gives an image that BuildKit has pushed its annotations, attestations and
// tags: as the others have them. They are no part of what BuildKit makes, so that
// equal content stays one image whatever the commit. Text is the Dockerfile.
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

// ingredients say what the image is built of, but for what it begins with.
func (b *builder) ingredients(ctx context.Context, spec Spec, reading *Reading) (image.Ingredients, error) {
	files, err := image.Sums(ctx, b.Order.Spec, reading.Files)
	if err != nil {
		return image.Ingredients{}, fmt.Errorf("read what image %s is made of: %w", b.Name, err)
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

// progress tells how far BuildKit is: the step that goes on, and all of them as a log.
func (b *builder) progress(e Progress) {
	switch e.Event {
	case Started:
		b.Tell(image.Step, "%s", e.Step)
	case Moved:
		if e.Total > 0 && b.Notice != nil {
			b.Notice(image.Notice{Level: image.Moving, Text: e.What, Progress: registry.Progress{Bytes: e.Bytes, BytesTotal: e.Total}})
		}
	case Log:
		b.Tell(image.Log, "%s: %s", strings.TrimSpace(e.Step), e.Line)
	case Cached, Done, Failed:
		b.Tell(image.Log, "%s: %s", e.Step, e.Event)
	}
}
