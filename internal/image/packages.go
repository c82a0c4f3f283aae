package image

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/gofrs/flock"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/slipway-ci/slipway/internal/debian"
	"github.com/slipway-ci/slipway/internal/lock"
	"github.com/slipway-ci/slipway/internal/registry"
	"github.com/slipway-ci/slipway/internal/rootfs"
	"github.com/slipway-ci/slipway/internal/source"
)

const (
	// packagesVersion is the version of the way such a base is made. Increase it when the same
	// packages produce other bytes.
	packagesVersion = "1"
	// packagesEach is how often a base that another process makes is looked for.
	packagesEach = 100 * time.Millisecond
)

// packagesOfBase are the packages of a base that is made of packages, besides the essential ones.
// They are those that the official python images have, and Python. libstdc++6 is not essential, but wheels
// for manylinux, such as NumPy's, may expect it of every system (PEP 599).
var packagesOfBase = []string{"ca-certificates", "libstdc++6", "netbase", "python3", "tzdata"}

// IsPackages reports whether a base is one that is made of Debian packages alone.
func IsPackages(base string) bool {
	_, ok := debian.ReleaseOf(base)
	return ok
}

// lockedBase returns the packages of the spec's base in slipway.lock, for its platform. It returns
// false if it has none.
func lockedBase(s Spec) (lock.System, bool, error) {
	had, ok, err := lock.BaseOf(s.Dir, s.Base, s.platform.String())
	return had, ok && slices.Equal(had.Requested, packagesOfBase), err
}

// isBaseLocked returns a *source.Error if the spec's base is made of packages and slipway.lock does
// not have them.
func isBaseLocked(s Spec) error {
	if !IsPackages(s.Base) {
		return nil
	}
	_, ok, err := lockedBase(s)
	if err != nil || ok {
		return err
	}
	return &source.Error{Position: s.positionOf(s.Base), Message: fmt.Sprintf("image %s: %s does not have the versions of the packages of the base %s for %s", s.Name, lock.Name, s.Base, s.platform), Hint: fmt.Sprintf(lockHint, s.Name)}
}

// findPackages finds the packages that the recipe's base is made of, if it is: in slipway.lock, or
// in the repositories of apt sources. The packages that it finds there have been downloaded.
func (r *Recipe) findPackages(ctx context.Context) error {
	s := r.spec
	release, ok := debian.ReleaseOf(s.Base)
	if !ok {
		return nil
	}
	had, ok, err := lockedBase(s)
	switch {
	case err != nil:
		return err
	case !ok && s.FrozenSystem:
		return isBaseLocked(s)
	case !ok || s.UpgradeSystem:
		base, err := debian.NewBase(s.platform.Architecture)
		if err != nil {
			return explainPackages(s, err)
		}
		from, err := aptSources(s, release, base)
		if err != nil {
			return explainPackages(s, err)
		}
		if had, err = fetchSystem(ctx, s, base, from, packagesOfBase, had); err != nil {
			return explainPackages(s, err)
		}
		r.rebased = true
	}
	r.base = &foundBase{digest: registry.DigestOf([]byte(packagesVersion + " " + s.platform.String() + " " + systemKey(had))), packages: &had}
	return nil
}

// debs are the Debian packages in the image that are known: those of the base, if it is made of
// packages, and those that were added to it.
func (r *Recipe) debs() []lock.Package {
	if r.base == nil || r.base.packages == nil {
		return r.system.Packages
	}
	return slices.Concat(r.base.packages.Packages, r.system.Packages)
}

// distribution is the id of the distribution of debs.
func (r *Recipe) distribution() string {
	if r.base == nil || r.base.packages == nil {
		return r.system.Distribution
	}
	return r.base.packages.Distribution
}

// explainPackages adds the position of the base in slipway.yaml to an error about its packages.
func explainPackages(s Spec, err error) error {
	at := s.positionOf(s.Base)
	if wrong := new(debian.Error); errors.As(err, &wrong) {
		message := wrong.Message
		if wrong.Package != "" {
			message = "cannot be made: " + message
		}
		return &source.Error{Position: at, Message: fmt.Sprintf("image %s: the base %s %s", s.Name, s.Base, message), Hint: wrong.Hint, Err: err}
	}
	if failed := new(debian.RepositoryError); errors.As(err, &failed) {
		where := ""
		if at.File != "" {
			where = at.String() + ": "
		}
		return fmt.Errorf("%simage %s: the base %s cannot be made: %w", where, s.Name, s.Base, err)
	}
	return err
}

// openPackages returns the base that is made of packages. It makes the layer of the packages unless
// this machine has made it before.
func openPackages(ctx context.Context, s Spec, found *foundBase) (*base, error) {
	t := packageStore{spec: s, found: found}
	f, err := t.make(ctx)
	if err != nil {
		return nil, err
	}
	b := &base{found: found, store: t, digest: found.digest, layers: []v1.Descriptor{{MediaType: types.OCILayer, Size: f.Size, Digest: f.Digest}}}
	b.config = &v1.ConfigFile{
		OS: s.platform.OS, Architecture: s.platform.Architecture, Variant: s.platform.Variant,
		Config:  v1.Config{Env: []string{"PATH=" + defaultPath, "LANG=C.UTF-8"}, Cmd: []string{"bash"}},
		RootFS:  v1.RootFS{Type: "layers", DiffIDs: []v1.Hash{f.DiffID}},
		History: []v1.History{{Created: v1.Time{Time: time.Unix(0, 0).UTC()}, CreatedBy: "slipway", Comment: s.Base}},
	}
	b.read = func(ctx context.Context) (*rootfs.FS, error) { return readFS(ctx, s, b, noCopy) }
	return b, nil
}

// packageStore is the store of a base that is made of packages: its layer is in the cache.
type packageStore struct {
	spec  Spec
	found *foundBase
}

// make returns the facts of the layer, and makes it unless the cache has it. Processes that need
// the same base make it once.
func (t packageStore) make(ctx context.Context) (facts, error) {
	known := filepath.Join(openBaseCache(t.spec).dir, t.found.digest.Hex+".packages")
	if f, ok := t.kept(known); ok {
		return f, nil
	}
	if err := os.MkdirAll(filepath.Dir(known), 0o700); err != nil {
		return facts{}, err
	}
	guard := flock.New(known + ".lock")
	if _, err := guard.TryLockContext(ctx, packagesEach); err != nil {
		return facts{}, err
	}
	defer func() { _ = guard.Unlock() }()
	if f, ok := t.kept(known); ok {
		return f, nil
	}
	t.spec.Notify(Step, "making the base %s of %d packages", t.spec.Base, len(t.found.packages.Packages))
	file, err := os.CreateTemp(filepath.Dir(known), ".packages-*")
	if err != nil {
		return facts{}, err
	}
	defer func() { _, _ = file.Close(), os.Remove(file.Name()) }()
	c := debContent(t.spec, *t.found.packages, func(context.Context) (*debian.Base, error) { return debian.NewBase(t.spec.platform.Architecture) })
	f, err := c.write(ctx, file)
	if err != nil {
		return facts{}, explainPackages(t.spec, err)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return facts{}, err
	}
	stream := systemFetcher(t.spec).Cache.Keep(io.NopCloser(file), f.Digest, f.Size)
	if _, err := io.Copy(io.Discard, stream); err != nil {
		return facts{}, err
	}
	if err := stream.Close(); err != nil {
		return facts{}, err
	}
	if text, err := json.Marshal(f); err == nil {
		_ = writeSigned(known, text) // without it, the layer is made again
	}
	return f, nil
}

// kept returns the facts of the layer if the cache has it.
func (t packageStore) kept(known string) (facts, bool) {
	text, err := readSigned(known)
	if err != nil {
		return facts{}, false
	}
	var f facts
	if err := json.Unmarshal(text, &f); err != nil {
		return facts{}, false
	}
	stream, err := systemFetcher(t.spec).Cache.Open(f.Digest)
	if err != nil {
		return facts{}, false
	}
	return f, stream.Close() == nil
}

// manifest implements baseStore. There is none.
func (packageStore) manifest(context.Context, v1.Hash) ([]byte, error) { return nil, fs.ErrNotExist }

// blob implements baseStore. There is none but the layer.
func (packageStore) blob(context.Context, v1.Hash) ([]byte, error) { return nil, fs.ErrNotExist }

func (t packageStore) read(ctx context.Context, layer v1.Descriptor, read func(io.Reader) error) error {
	stream, err := t.open(ctx, layer)
	if err != nil {
		return err
	}
	return errors.Join(read(stream), stream.Close())
}

func (t packageStore) open(ctx context.Context, layer v1.Descriptor) (io.ReadCloser, error) {
	cache := systemFetcher(t.spec).Cache
	if stream, err := cache.Open(layer.Digest); err == nil {
		return diskStream{stream}, nil
	}
	f, err := t.make(ctx) // it was deleted meanwhile
	if err != nil {
		return nil, &registry.ContentError{Err: err}
	}
	stream, err := cache.Open(f.Digest)
	if err != nil || f.Digest != layer.Digest {
		return nil, &registry.ContentError{Err: fmt.Errorf("the base %s cannot be kept in the cache, which may be full: %w", t.spec.Base, err)}
	}
	return diskStream{stream}, nil
}

func (t packageStore) explain(err error) error { return err }
