package image

import (
	"context"
	"io"
	"runtime"
	"slices"

	"github.com/slipway-ci/slipway/internal/lock"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/registry"
	"github.com/slipway-ci/slipway/internal/state"
	"github.com/slipway-ci/slipway/internal/wheel"
)

// Recipe is what an image is made of, read and hashed. Nothing of it has been packed or
// sent yet.
type Recipe struct {
	Name string
	// Inputs is the identity of what the image is made of, in hexadecimal. If a registry
	// has an image of these inputs, there is nothing to push but tags.
	Inputs string

	// Attest, if not nil, returns what to attach to the image when it is pushed.
	Attest Attester

	// packages are the Python packages in the image, once it has been pushed or planned.
	packages []Package
	// parts are the recipes of the images of an index, sorted by platform. A recipe for one
	// platform has no parts, and a recipe with parts has no contents.
	parts []*Recipe

	// system are the Debian packages that are added to the base. If relocked is set, slipway.lock does
	// not have them yet, and if rebased is set, it does not have those of the base.
	system            lock.System
	relocked, rebased bool

	spec Spec
	// base is what the spec's base refers to, or nil.
	base *foundBase
	// contents are the image's own layers, from the bottom up, without the layers of the
	// requirements. Those are below them, and are determined only if the image has to be
	// made.
	contents []*content
	ledger   *ledger
}

// Prepare reads what an image is made of. It asks the registry of the base for its digest,
// with r's credentials, reads files that have changed since the last build, and compiles
// programs. r may be nil if there is no base. Errors in the tree or the base are of type
// *source.Error, with a position. A program that does not compile is a *BuildError.
//
// Prepare caches data below .slipway/cache/image in the tree, where it may be deleted at
// any time. Concurrent calls do not interfere with each other.
func Prepare(ctx context.Context, s Spec, r *registry.Client) (*Recipe, error) {
	s, err := s.normalized()
	if err != nil {
		return nil, err
	}
	_ = state.Make(s.Dir) // a build works without it
	if r == nil {
		r = &registry.Client{}
	}
	var base *foundBase
	var contents [][]*content
	group, limited := panics.WithContext(ctx)
	group.Go(func() (err error) {
		r.Ping(limited, s.Name)
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
		warnOfLock(s)
	}
	parts := make([]*Recipe, len(s.Platforms))
	known := openLedger(s.Dir)
	for n, platform := range s.Platforms {
		parts[n] = &Recipe{Name: s.Name, spec: s.forPlatform(platform), base: base, contents: contents[n], ledger: known}
		if err := parts[n].findPackages(ctx); err != nil {
			return nil, err
		}
		if err := parts[n].findSystem(ctx, r); err != nil {
			return nil, err
		}
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

// identity returns the hash of what the image of one platform is made of.
func (r *Recipe) identity() (string, error) {
	var fingerprints []string
	if r.spec.Kind == KindPython {
		// The Python of the base is not part of the lock's key, because the digest of the
		// base is part of the identity.
		lock, err := wheel.Key(wheelSpec(r.spec, interpreter{version: r.spec.Python}))
		if err != nil {
			return "", err
		}
		fingerprints = append(fingerprints, lock)
	}
	if r.base != nil && r.base.packages != nil {
		fingerprints = append(fingerprints, "base "+r.base.digest.String())
	}
	if len(r.system.Packages) > 0 {
		fingerprints = append(fingerprints, systemKey(r.system))
	}
	for _, c := range r.contents {
		fingerprints = append(fingerprints, c.fingerprint)
	}
	return identity(r.spec, r.base, fingerprints)
}

// gather returns, for each platform, the contents of the layers on top of the base. Files
// are below the program, because they change less often and are the same for all platforms.
func gather(ctx context.Context, s Spec) ([][]*content, error) {
	contents := make([][]*content, len(s.Platforms))
	if len(s.Files) > 0 {
		known := openStamps(s)
		entries, err := collect(ctx, s, known)
		if err != nil {
			return nil, err
		}
		_ = known.save() // without it, the next build reads the files again
		files := distribute(s.Dir, entries)
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
			program, err := compile(limited, s.forPlatform(platform))
			contents[n] = append(contents[n], program)
			return err
		})
	}
	return contents, group.Wait()
}

// measure returns the facts of contents: from the image that was pushed last, from the
// ledger of this machine, or by packing them and discarding the result.
func (r *Recipe) measure(ctx context.Context, contents []*content, last *lastImage) ([]builtLayer, error) {
	own := make([]builtLayer, len(contents))
	group, limited := panics.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for n, c := range contents {
		f, ok := last.facts[c.fingerprint]
		if !ok {
			f, ok = r.ledger.lookup(c.fingerprint)
		}
		if ok {
			own[n] = builtLayer{f, c}
			continue
		}
		group.Go(func() error {
			f, err := c.pack(limited, io.Discard)
			own[n] = builtLayer{f, c}
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
	_ = r.ledger.save() // without it, the next build packs the layers again
	return own, nil
}
