package image

import (
	"context"
	"fmt"

	"github.com/slipway-ci/slipway/internal/registry"
	"github.com/slipway-ci/slipway/internal/revision"
)

// Builder makes the image of one entry of slipway.yaml. Each kind of image has one.
type Builder interface {
	// Check returns, joined, an error at its place for each thing that the image is made
	// of and that is not there. Nobody else is asked for an image.
	Check(context.Context) error
	// Plan tells what Build would make, as far as that is known before, and sends nothing.
	Plan(context.Context) (*Planned, error)
	// Build makes the image and brings it into the registry.
	Build(context.Context) (*Pushed, error)
}

// Order is what the builders of all kinds are told of an image. What happens is told to
// its Notice.
type Order struct {
	Spec
	// To is where the image goes.
	To *registry.Client
	// Tags gives those that the image gets beside that of its inputs. It is called when
	// the image is about to be pushed.
	Tags func() []string
	// Attest says what is attached to the image; nil for nothing.
	Attest Attester
	// Revision is what git knows of the tree.
	Revision revision.Revision
}

// builder makes images of the source tree alone: those of the kinds of this package.
type builder struct{ Order }

// NewBuilder returns the Builder for images of kind go, files and python.
func NewBuilder(o Order) Builder { return &builder{o} }

// Check looks for the files and directories that the spec names.
func (b *builder) Check(context.Context) error { return Missing(b.Spec) }

// Plan prepares the image and asks the registry what it lacks.
func (b *builder) Plan(ctx context.Context) (*Planned, error) {
	recipe, err := Prepare(ctx, b.Spec, b.To)
	if err != nil {
		return nil, fmt.Errorf("build image %s: %w", b.Name, err)
	}
	planned, err := Plan(ctx, b.To, recipe)
	if err != nil {
		return nil, fmt.Errorf("ask for image %s: %w", b.Name, err)
	}
	return planned, nil
}

// Build prepares the image and pushes it.
func (b *builder) Build(ctx context.Context) (*Pushed, error) {
	b.Tell(Begin, "building")
	recipe, err := Prepare(ctx, b.Spec, b.To)
	if err != nil {
		b.Tell(Failed, "not built")
		return nil, fmt.Errorf("build image %s: %w", b.Name, err)
	}
	recipe.Attest = b.Attest
	pushed, err := Push(ctx, b.To, recipe, b.Tags(), func(progress registry.Progress) {
		if b.Notice != nil {
			b.Notice(Notice{Level: Moving, Progress: progress})
		}
	})
	if err != nil {
		b.Tell(Failed, "not pushed")
		return nil, fmt.Errorf("push image %s: %w", b.Name, err)
	}
	return pushed, nil
}
