package image

import (
	"context"
	"errors"
	"fmt"

	"github.com/slipway-ci/slipway/internal/layout"
	"github.com/slipway-ci/slipway/internal/registry"
	"github.com/slipway-ci/slipway/internal/revision"
	"github.com/slipway-ci/slipway/internal/wheel"
)

// Builder makes the image of one entry of slipway.yaml. Each kind of image has a Builder.
type Builder interface {
	// Check returns, joined, an error with its position for each missing file or directory
	// that the image is made of. It sends no requests.
	Check(context.Context) error
	// CheckTools returns an error if Build would need a program that is not on this machine.
	// It sends no requests. A BuildKit is not such a program: package dockerfile finds it.
	CheckTools(context.Context) error
	// Bases returns the references of the images that Build reads in registries, as far as
	// they are known before. It sends no requests.
	Bases(context.Context) ([]string, error)
	// Plan returns what Build would make, as far as that can be known, and uploads nothing.
	Plan(context.Context) (*Planned, error)
	// Build makes the image and pushes it.
	Build(context.Context) (*Pushed, error)
}

// Order is an image to build, with what the builders of all kinds need. They report
// progress to its Notice.
type Order struct {
	Spec
	// To is the registry that the image is pushed to.
	To *registry.Client
	// Tags returns the tags for the image, except for the tag of its inputs. It is called
	// when the image is about to be planned or pushed.
	Tags func() []string
	// Attest returns what to attach to the image. It may be nil.
	Attest Attester
	// Revision is the Git state of the tree.
	Revision revision.Revision
}

// builder makes images of the kinds of this package, from the source tree alone.
type builder struct{ Order }

// NewBuilder returns a Builder for images of kind go, files and python.
func NewBuilder(o Order) Builder { return &builder{o} }

// Check checks that the files and directories that the spec names exist, that slipway.lock has
// its system packages where it is frozen, and that the Python that the base is known to have is one
// of the requirements.
func (b *builder) Check(context.Context) error {
	missing := Missing(b.Spec)
	if missing == nil {
		missing = checkRequirements(b.Spec)
	}
	return errors.Join(missing, checkSystem(b.Spec))
}

// CheckTools looks for the go command, or for what reads the lock of Python packages.
func (b *builder) CheckTools(ctx context.Context) error {
	switch {
	case b.Main != "":
		if _, err := findGo(b.Environ); err != nil {
			return fmt.Errorf("image %s: %w", b.Name, err)
		}
	case b.Requirements != "":
		if err := wheel.CheckTools(ctx, wheelSpec(b.Spec, interpreter{})); err != nil {
			return fmt.Errorf("image %s: %w", b.Name, err)
		}
	}
	return nil
}

// Bases returns the base of the spec, unless it is on disk or made of packages.
func (b *builder) Bases(context.Context) ([]string, error) {
	if _, onDisk := layout.Parse(b.Base); onDisk || b.Base == "" || b.Base == scratchBase || IsPackages(b.Base) {
		return nil, nil
	}
	return []string{b.Base}, nil
}

// Plan prepares the image and asks the registry what it lacks.
func (b *builder) Plan(ctx context.Context) (*Planned, error) {
	recipe, err := Prepare(ctx, b.Spec, b.To)
	if err != nil {
		return nil, fmt.Errorf("build image %s: %w", b.Name, err)
	}
	planned, err := Plan(ctx, b.To, recipe, b.Tags())
	if err != nil {
		return nil, fmt.Errorf("look up image %s: %w", b.Name, err)
	}
	return planned, nil
}

// Build prepares the image and pushes it.
func (b *builder) Build(ctx context.Context) (*Pushed, error) {
	b.Notify(Begin, "building")
	recipe, err := Prepare(ctx, b.Spec, b.To)
	if err != nil {
		b.Notify(Failed, "not built")
		return nil, fmt.Errorf("build image %s: %w", b.Name, err)
	}
	if err := recipe.writeLock(); err != nil {
		b.Notify(Failed, "not built")
		return nil, fmt.Errorf("build image %s: %w", b.Name, err)
	}
	recipe.Attest = b.Attest
	pushed, err := Push(ctx, b.To, recipe, b.Tags(), func(progress registry.Progress) {
		if b.Notice != nil {
			b.Notice(Notice{Level: Uploading, Progress: progress})
		}
	})
	if err != nil {
		b.Notify(Failed, "not pushed")
		return nil, fmt.Errorf("push image %s: %w", b.Name, err)
	}
	return pushed, nil
}
