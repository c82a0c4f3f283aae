package image

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/blobcache"
	"github.com/slipway-ci/slipway/internal/debian"
	"github.com/slipway-ci/slipway/internal/lock"
	"github.com/slipway-ci/slipway/internal/registry"
	"github.com/slipway-ci/slipway/internal/rootfs"
	"github.com/slipway-ci/slipway/internal/source"
)

// systemVersion is the version of the way Debian packages become a layer. Increase it when the same
// packages produce other bytes.
const systemVersion = "1"

// systemCache limits the size of the packages that are kept in the tree, in bytes, where a machine
// keeps nothing of bases.
const systemCache = 4 << 30

// lockHint is what the user can do when slipway.lock does not have what slipway.yaml asks for.
const lockHint = "run slipway build %s on your machine, and commit " + lock.Name

// lockedSystem returns the system packages of the spec's platform in slipway.lock. It returns false
// if it has none, or those of other names.
func lockedSystem(s Spec) (lock.System, bool, error) {
	had, ok, err := lock.SystemOf(s.Dir, s.Name, s.platform.String())
	return had, ok && slices.Equal(had.Requested, lock.Sorted(s.System)), err
}

// checkSystem returns a *source.Error if slipway.lock is frozen and does not have the spec's system
// packages.
func checkSystem(s Spec) error {
	if len(s.System) == 0 || !s.FrozenSystem {
		return nil
	}
	for _, platform := range sortedPlatforms(s.Platforms) {
		if err := isLocked(s.forPlatform(platform)); err != nil {
			return err
		}
	}
	return nil
}

func isLocked(s Spec) error {
	_, ok, err := lockedSystem(s)
	if err != nil || ok {
		return err
	}
	return &source.Error{Position: s.systemAt(""), Message: fmt.Sprintf("image %s: %s does not have the versions of its system packages for %s", s.Name, lock.Name, s.platform), Hint: fmt.Sprintf(lockHint, s.Name)}
}

// systemAt returns the position in slipway.yaml of a system package, or of all.
func (s Spec) systemAt(name string) source.Position {
	for _, one := range []string{name, ""} {
		if at, ok := s.SystemAt[one]; ok {
			return at
		}
	}
	return s.At
}

// findSystem finds the Debian packages of the recipe: in slipway.lock, or in the repositories of
// the base. The packages that it finds there have been downloaded, and need no scripts.
func (r *Recipe) findSystem(ctx context.Context, client *registry.Client) error {
	s := r.spec
	if len(s.System) == 0 {
		return nil
	}
	had, ok, err := lockedSystem(s)
	if err != nil {
		return err
	}
	if ok && !s.UpgradeSystem {
		r.system = had
		return nil
	}
	if s.FrozenSystem {
		return isLocked(s)
	}
	parent, err := openBase(ctx, s, client, r.base)
	if err != nil {
		return err
	}
	base, err := parent.debian(ctx, s)
	if err != nil {
		return explainSystem(s, err)
	}
	locked := map[string]string{}
	for _, p := range had.Packages {
		if !s.UpgradeSystem {
			locked[p.Name] = p.Version
		}
	}
	f := systemFetcher(s)
	found, err := f.Resolve(ctx, base, lock.Sorted(s.System), locked, func(text string) { s.Notify(Step, "%s", text) })
	if err == nil {
		err = f.Download(ctx, found, func(p debian.Progress) {
			s.Notify(Step, "downloaded %d of %d system packages, %d of %d MB", p.Packages, p.PackagesTotal, megabytes(p.Bytes), megabytes(p.BytesTotal))
		})
	}
	if err != nil {
		return explainSystem(s, err)
	}
	r.system, r.relocked = lock.System{Requested: lock.Sorted(s.System), Distribution: base.Distribution(), Packages: []lock.Package{}}, true
	for _, p := range found {
		r.system.Packages = append(r.system.Packages, lock.Package{Name: p.Name, Version: p.Version, Architecture: p.Architecture, URL: p.URL, Size: p.Size, SHA256: p.SHA256})
	}
	return nil
}

// megabytes rounds to MB.
func megabytes(bytes int64) int64 { return (bytes + 500_000) / 1_000_000 }

// systemFetcher returns what downloads the packages of a spec.
func systemFetcher(s Spec) *debian.Fetcher {
	f := &debian.Fetcher{Cache: s.Bases, Mirrors: s.SystemMirrors, Environ: s.Environ, Watch: s.Watch, Now: s.now}
	if s.Bases.Dir("") == "" {
		f.Cache = blobcache.New(filepath.Join(cacheDir(s.Dir), "system"), systemCache)
	}
	return f
}

// debian reads which Debian packages the base has.
func (b *base) debian(ctx context.Context, s Spec) (*debian.Base, error) {
	fs, err := b.whole(ctx)
	if err != nil {
		return nil, err
	}
	return debian.ReadBase(fs, s.platform.Architecture)
}

// whole returns the whole file system of the base.
func (b *base) whole(ctx context.Context) (*rootfs.FS, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.known != nil && b.known.Whole() {
		return b.known, nil
	}
	fs, err := b.read(ctx)
	if err == nil {
		b.known = fs
	}
	return fs, err
}

// explainSystem adds the position in slipway.yaml to an error about system packages.
func explainSystem(s Spec, err error) error {
	if wrong := new(debian.Error); errors.As(err, &wrong) {
		at, message := s.systemAt(wrong.Package), wrong.Message
		if wrong.Package == "" {
			message = fmt.Sprintf("the base %s %s", s.Base, message)
		}
		return &source.Error{Position: at, Message: fmt.Sprintf("image %s: %s", s.Name, message), Hint: wrong.Hint, Err: err}
	}
	if failed := new(debian.RepositoryError); errors.As(err, &failed) {
		at := ""
		if position := s.systemAt(""); position.File != "" {
			at = position.String() + ": "
		}
		return fmt.Errorf("%simage %s: %w", at, s.Name, err)
	}
	return err
}

// writeLock writes the system packages of the recipe to slipway.lock, if they are not there.
func (r *Recipe) writeLock() error {
	systems := map[string]lock.System{}
	for _, part := range append(r.parts, r) {
		if part.relocked {
			systems[part.spec.platform.String()] = part.system
		}
	}
	if len(systems) == 0 {
		return nil
	}
	if err := lock.SetSystem(r.spec.Dir, r.Name, systems); err != nil {
		return err
	}
	r.spec.Notify(Note, "%s has the versions of the system packages of image %s: commit it", lock.Name, r.Name)
	return nil
}

// systemKey returns the identity of packages.
func systemKey(system lock.System) string {
	h := sha256.New()
	fmt.Fprintf(h, "system/%s\n", systemVersion)
	for _, p := range system.Packages {
		fmt.Fprintf(h, "%s %s %s %s\n", p.Name, p.Version, p.Architecture, p.SHA256)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// systemLayers returns the content of the layer of the Debian packages, or nothing if there are
// none. Its bytes depend on the base, whose list of packages it has in it.
func (r *Recipe) systemLayers(parent *base) []*content {
	if len(r.system.Packages) == 0 {
		return nil
	}
	identity := sha256.Sum256([]byte(parent.digest.String() + " " + systemKey(r.system)))
	c := &content{description: "system: " + strings.Join(r.system.Requested, ", "), fingerprint: "system-" + kindVersion + "-" + hex.EncodeToString(identity[:])}
	var packages []*debian.Package
	for _, p := range r.system.Packages {
		c.bytes += p.Size
		packages = append(packages, &debian.Package{Name: p.Name, Version: p.Version, Architecture: p.Architecture, URL: p.URL, Size: p.Size, SHA256: p.SHA256})
	}
	c.stream = func(ctx context.Context, archive *tar.Writer) error {
		base, err := parent.debian(ctx, r.spec)
		if err != nil {
			return explainSystem(r.spec, err)
		}
		f := systemFetcher(r.spec)
		layer := debian.Layer{Base: base, Packages: packages, Open: func(ctx context.Context, p *debian.Package) (io.ReadCloser, error) { return f.Open(ctx, p) }}
		return explainSystem(r.spec, layer.Write(ctx, archive))
	}
	return []*content{c}
}
