package image

import (
	"context"
	"fmt"

	"github.com/slipway-ci/slipway/internal/registry"
	"github.com/slipway-ci/slipway/internal/revision"
)

// Builder makes the image of one entry of slipway.yaml. Each kind of image has a Builder.
type Builder interface {
	// Check returns, joined, an error with its position for each missing file or directory
	// that the image is made of. It sends no requests.
	Check(context.Context) error
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

// Check checks that the files and directories that the spec names exist.
func (b *builder) Check(context.Context) error { return Missing(b.Spec) }

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
