package image

import (
	"context"
	"io"
	"runtime"
	"slices"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/registry"
	"github.com/slipway-ci/slipway/internal/state"
	"github.com/slipway-ci/slipway/internal/wheel"
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

	// packages are the Python packages in the image, once it was pushed or planned.
	packages []Package
	// parts are the recipes of the images of an index, by platform: an image for
	// several platforms has nothing else. It has none for one.
	parts []*Recipe

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
func Prepare(ctx context.Context, s Spec, r *registry.Client) (*Recipe, error) {
	s, err := s.normal()
	if err != nil {
		return nil, err
	}
	_ = state.Make(s.Dir) // a build does without it
	if r == nil {
		r = &registry.Client{}
	}
	var base *name.Digest
	var contents [][]*content
	group, limited := panics.WithContext(ctx)
	group.Go(func() (err error) {
		r.Greet(limited, s.Name)
		base, err = findBase(limited, s, r)
		return err
	})
	group.Go(func() (err error) {
		contents, err = gather(limited, s)
		return err
	})
	if err := group.Wait(); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, err
	}
	if s.Kind == KindPython {
		if changes := wheel.Stale(requirements(s, interpreter{})); changes != "" {
			s.Tell(Warning, "image %s: %s is older than the pyproject.toml beside it (%s): the image has what the lock says; run `uv lock`", s.Name, s.Requirements, changes)
		}
	}
	parts := make([]*Recipe, len(s.Platforms))
	known := openLedger(s.Dir)
	for n, platform := range s.Platforms {
		parts[n] = &Recipe{Name: s.Name, spec: s.on(platform), base: base, contents: contents[n], ledger: known}
		if parts[n].Inputs, err = parts[n].identity(); err != nil {
			return nil, err
		}
	}
	if len(parts) == 1 {
		return parts[0], nil
	}
	inputs, err := indexIdentity(parts)
	return &Recipe{Name: s.Name, Inputs: inputs, spec: s, base: base, parts: parts, ledger: known}, err
}

// identity hashes what the image of one platform is made of.
func (r *Recipe) identity() (string, error) {
	var fingerprints []string
	if r.spec.Kind == KindPython {
		// What the base says of its Python is no part of it: the base's digest is.
		lock, err := wheel.Key(requirements(r.spec, interpreter{version: r.spec.Python}))
		if err != nil {
			return "", err
		}
		fingerprints = append(fingerprints, lock)
	}
	for _, c := range r.contents {
		fingerprints = append(fingerprints, c.fingerprint)
	}
	return identity(r.spec, r.base, fingerprints)
}

// gather gives, for each platform, the contents of the layers that lie on the
// base: files first, which change less than a program does and are the same for
// all platforms.
func gather(ctx context.Context, s Spec) ([][]*content, error) {
	contents := make([][]*content, len(s.Platforms))
	if len(s.Files) > 0 {
		known := openStamps(s)
		entries, err := collect(ctx, s, known)
		if err != nil {
			return nil, err
		}
		_ = known.save() // a build does without it
		files := layout(s.Dir, entries)
		for n := range contents {
			contents[n] = slices.Clone(files)
		}
	}
	if s.Kind != KindGo {
		return contents, nil
	}
	group, limited := panics.WithContext(ctx)
	for n, platform := range s.Platforms {
		group.Go(func() error {
			program, err := compile(limited, s.on(platform))
			contents[n] = append(contents[n], program)
			return err
		})
	}
	return contents, group.Wait()
}

// measure gives the facts of contents: from the image that was pushed last, from
// this machine's memory, or by packing them into nothing.
func (r *Recipe) measure(ctx context.Context, contents []*content, last *previous) ([]made, error) {
	own := make([]made, len(contents))
	group, limited := panics.WithContext(ctx)
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
