package image

import (
	"context"
	"io"
	"runtime"

	"github.com/google/go-containerregistry/pkg/name"
	"golang.org/x/sync/errgroup"
)

// Recipe is what an image is made of, read and hashed. Nothing of it has been
// packed or sent yet.
type Recipe struct {
	Name string
	// Inputs is the identity of what the image is made of, in hexadecimal. A
	// registry that has an image of these inputs needs nothing more.
	Inputs string

	// Attest, when not nil, says what is attached to the image when it is pushed.
	Attest Attester
	// Packages are the Python packages in the image, once it was pushed or planned.
	Packages []Package

	spec Spec
	// base is what the spec's base stands for; nil for none.
	base *name.Digest
	// contents are the image's own layers, from the base up, except for those of
	// the requirements, which are below them and are looked for only when the
	// image has to be made.
	contents []*content
	ledger   *ledger
}

// Prepare reads what an image is made of: it asks the base's registry for its
// digest with r's credentials (r may be nil when there is no base), reads the
// files that changed since the last time, and compiles programs. What is wrong
// with the tree or the base is a *source.Error at s.At, a program that does not
// compile a *BuildError.
//
// What can be made again is kept below .slipway/cache/image in the tree, where it
// may be deleted at any time. Calls at the same time do not disturb each other.
func Prepare(ctx context.Context, s Spec, r *Registry) (*Recipe, error) {
	s, err := s.normal()
	if err != nil {
		return nil, err
	}
	if r == nil {
		r = &Registry{}
	}
	recipe := &Recipe{Name: s.Name, spec: s, ledger: openLedger(s.Dir)}
	group, limited := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		r.greet(limited, s.Name)
		recipe.base, err = findBase(limited, s, r)
		return err
	})
	group.Go(func() (err error) {
		recipe.contents, err = gather(limited, s)
		return err
	})
	if err := group.Wait(); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, err
	}
	base := "scratch"
	if recipe.base != nil {
		base = recipe.base.DigestStr()
	}
	var fingerprints []string
	if s.Kind == KindPython {
		lock, err := requirements(s, s.Python).key()
		if err != nil {
			return nil, err
		}
		fingerprints = append(fingerprints, lock)
	}
	for _, c := range recipe.contents {
		fingerprints = append(fingerprints, c.fingerprint)
	}
	recipe.Inputs, err = identity(s, base, fingerprints)
	return recipe, err
}

// gather gives the contents of the layers that lie on the base: files first, which
// change less than a program does.
func gather(ctx context.Context, s Spec) ([]*content, error) {
	var contents []*content
	if len(s.Files) > 0 {
		known := openStamps(s)
		entries, err := collect(ctx, s, known)
		if err != nil {
			return nil, err
		}
		_ = known.save() // a build does without it
		contents = layout(s.Dir, entries)
	}
	if s.Kind == KindGo {
		program, err := compile(ctx, s)
		if err != nil {
			return nil, err
		}
		contents = append(contents, program)
	}
	return contents, nil
}

// measure gives the facts of contents: from the image that was pushed last, from
// this machine's memory, or by packing them into nothing.
func (r *Recipe) measure(ctx context.Context, contents []*content, last *previous) ([]made, error) {
	own := make([]made, len(contents))
	group, limited := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for n, c := range contents {
		f, ok := last.facts[c.fingerprint]
		if !ok {
			f, ok = r.ledger.known(c.fingerprint)
		}
		if ok {
			own[n] = made{f, c}
			continue
		}
		group.Go(func() error {
			f, err := c.pack(limited, io.Discard)
			own[n] = made{f, c}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, err
	}
	for _, m := range own {
		r.ledger.add(m.content.fingerprint, m.facts)
	}
	_ = r.ledger.save() // the next build does without it
	return own, nil
}
