package image

import (
	"archive/tar"
	"cmp"
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
const systemVersion = "3"

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

// checkSystem returns a *source.Error if slipway.lock is frozen and does not have the packages of the
// spec, or of its base.
func checkSystem(s Spec) error {
	if !s.FrozenSystem {
		return nil
	}
	for _, platform := range sortedPlatforms(s.Platforms) {
		one := s.forPlatform(platform)
		if err := cmp.Or(isBaseLocked(one), isLocked(one)); err != nil {
			return err
		}
	}
	return nil
}

func isLocked(s Spec) error {
	if len(s.System) == 0 {
		return nil
	}
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
	from, err := base.Sources()
	if err == nil && from == nil {
		release, ok := debian.ReleaseOf(s.Base)
		if !ok {
			release = base.Release()
		}
		from, err = aptSources(s, release, base)
	}
	if err == nil {
		r.system, err = fetchSystem(ctx, s, base, from, lock.Sorted(s.System), had)
	}
	r.relocked = err == nil
	return explainSystem(s, err)
}

// aptSources returns the apt sources for a base that has none: those that slipway.yaml names, or
// else those of this machine.
func aptSources(s Spec, release string, base *debian.Base) (*debian.Sources, error) {
	if s.AptSources != "" {
		return debian.FileSources(filepath.Join(s.Dir, filepath.FromSlash(s.AptSources)), release, base)
	}
	return debian.MachineSources(cmp.Or(s.AptRoot, "/"), release, base)
}

// fetchSystem resolves and downloads packages for a base. had are those of slipway.lock, whose
// versions stay, unless they are to be moved.
func fetchSystem(ctx context.Context, s Spec, base *debian.Base, from *debian.Sources, names []string, had lock.System) (lock.System, error) {
	locked := map[string]string{}
	for _, p := range had.Packages {
		if !s.UpgradeSystem {
			locked[p.Name] = p.Version
		}
	}
	f := systemFetcher(s)
	found, err := f.Resolve(ctx, base, from, names, locked, func(text string) { s.Notify(Step, "%s", text) })
	if err != nil {
		return lock.System{}, err
	}
	told := int64(0)
	err = f.Download(ctx, base, found, func(p debian.Progress) {
		tenth := 10 * p.Bytes / max(p.BytesTotal, 1)
		if tenth == told && p.Packages < p.PackagesTotal {
			return
		}
		told = tenth
		s.Notify(Step, "system packages: %d of %d, %d of %d MB", p.Packages, p.PackagesTotal, megabytes(p.Bytes), megabytes(p.BytesTotal))
	})
	system := lock.System{Requested: names, Distribution: base.Distribution(), Packages: []lock.Package{}}
	for _, p := range found {
		system.Packages = append(system.Packages, lock.Package{Name: p.Name, Version: p.Version, Architecture: p.Architecture, URL: p.URL, Size: p.Size, SHA256: p.SHA256})
	}
	return system, err
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

// writeLock writes the packages of the recipe and of its base to slipway.lock, if they are not there.
func (r *Recipe) writeLock() error {
	systems, bases := map[string]lock.System{}, map[string]lock.System{}
	for _, part := range append(r.parts, r) {
		if part.relocked {
			systems[part.spec.platform.String()] = part.system
		}
		if part.rebased {
			bases[part.spec.platform.String()] = *part.base.packages
		}
	}
	if len(bases) > 0 {
		if err := lock.SetBase(r.spec.Dir, r.spec.Base, bases); err != nil {
			return err
		}
		r.spec.Notify(Note, "%s has the versions of the packages of the base %s: commit it", lock.Name, r.spec.Base)
	}
	if len(systems) > 0 {
		if err := lock.SetSystem(r.spec.Dir, r.Name, systems); err != nil {
			return err
		}
		r.spec.Notify(Note, "%s has the versions of the system packages of image %s: commit it", lock.Name, r.Name)
	}
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
	c := debContent(r.spec, r.system, func(ctx context.Context) (*debian.Base, error) { return parent.debian(ctx, r.spec) })
	c.description, c.fingerprint = "system: "+strings.Join(r.system.Requested, ", "), "system-"+kindVersion+"-"+hex.EncodeToString(identity[:])
	write := c.stream
	c.stream = func(ctx context.Context, archive *tar.Writer) error {
		return explainSystem(r.spec, write(ctx, archive))
	}
	return []*content{c}
}

// debContent returns the content of the layer of packages on a base.
func debContent(s Spec, system lock.System, on func(context.Context) (*debian.Base, error)) *content {
	c := &content{}
	var packages []*debian.Package
	for _, p := range system.Packages {
		c.bytes += p.Size
		packages = append(packages, &debian.Package{Name: p.Name, Version: p.Version, Architecture: p.Architecture, URL: p.URL, Size: p.Size, SHA256: p.SHA256})
	}
	c.stream = func(ctx context.Context, archive *tar.Writer) error {
		base, err := on(ctx)
		if err != nil {
			return err
		}
		f := systemFetcher(s)
		layer := debian.Layer{Base: base, Packages: packages, Open: func(ctx context.Context, p *debian.Package) (io.ReadCloser, error) { return f.Open(ctx, p) }}
		return layer.Write(ctx, archive)
	}
	return c
}
