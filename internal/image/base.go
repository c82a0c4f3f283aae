package image

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/slipway-ci/slipway/internal/layout"
	"github.com/slipway-ci/slipway/internal/lock"
	"github.com/slipway-ci/slipway/internal/registry"
	"github.com/slipway-ci/slipway/internal/rootfs"
	"github.com/slipway-ci/slipway/internal/source"
)

// foundBase is the index or image that the base of a spec is now.
type foundBase struct {
	digest v1.Hash
	// reference is the index or image by digest if it is in a registry, and nil otherwise. at is
	// where it is read, which may be a mirror.
	reference, at *name.Digest
	// disk is the layout or archive that it is in, or nil. file is the name of its directory or
	// archive.
	disk *layout.Layout
	file string
	// own reports whether it is an image of the same slipway.yaml.
	own bool
	// packages are the Debian packages that the base is made of, or nil. The digest is then the
	// identity of these, and not one of a manifest.
	packages *lock.System
}

// name returns the reference of the base, or "" for one that has no name beyond this machine or
// this registry.
func (f *foundBase) name(s Spec) string {
	if f.disk != nil || f.own {
		return ""
	}
	return s.Base
}

// String returns the reference by digest. For a base on disk that is the name of its directory or
// archive, and the digest. String returns "" if there is no base, or it is made of packages, which
// stand for themselves.
func (f *foundBase) String() string {
	switch {
	case f == nil || f.packages != nil:
		return ""
	case f.reference != nil:
		return f.reference.String()
	}
	return f.file + "@" + f.digest.String()
}

// in returns the repository in which the base is read if that is in a registry, and "" otherwise.
func (f *foundBase) in(registry name.Registry) string {
	if f == nil || f.at == nil || f.at.RegistryStr() != registry.RegistryStr() {
		return ""
	}
	return f.at.RepositoryStr()
}

// base is the image, for one platform, that another image is built on.
type base struct {
	// found is the index or image that was found, or nil for scratch. store is where it is.
	found *foundBase
	store baseStore
	// digest is the digest of the image's manifest.
	digest v1.Hash
	config *v1.ConfigFile
	// layers are the descriptors, with OCI media types.
	layers []v1.Descriptor

	// read reads the file system. known is what is already known of it, which may be an
	// excerpt, or nil.
	read  func(context.Context) (*rootfs.FS, error)
	mu    sync.Mutex
	known *rootfs.FS
	// python is the interpreter that the requirements are for, or nil if not yet known.
	python *interpreter
}

// scratchBase is the name of the empty base.
const scratchBase = "scratch"

// scratch returns the empty base.
func scratch() *base {
	return &base{config: &v1.ConfigFile{RootFS: v1.RootFS{Type: "layers"}}, known: rootfs.Merge()}
}

// withFS calls f with what is known of the file system. If that does not suffice, ask reads
// the whole file system and calls f again.
func (b *base) withFS(ctx context.Context, f func(*rootfs.FS)) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.known != nil {
		if f(b.known); !b.known.Lacks() {
			return nil
		}
	}
	full, err := b.read(ctx)
	if err != nil {
		return err
	}
	b.known = full
	f(full)
	return nil
}

// findBase returns the index or image that the spec's base refers to now, or nil if the spec has
// no base, or one that is made of packages, which findPackages finds. It takes one request, and none
// for a base that is given by digest or is on disk. If the registry cannot be asked, it is what the
// base's tag was when it was last asked for, with a warning.
func findBase(ctx context.Context, s Spec, r *registry.Client) (*foundBase, error) {
	if s.Base == "" || s.Base == scratchBase || IsPackages(s.Base) {
		return nil, nil
	}
	if at, onDisk := layout.Parse(s.Base); onDisk {
		disk, err := layout.Open(s.Dir, at)
		if err != nil {
			return nil, explainDisk(s, err)
		}
		return &foundBase{digest: disk.Digest, disk: disk, file: path.Base(filepath.ToSlash(at.Path))}, nil
	}
	if s.OwnBase != nil {
		digest, err := v1.NewHash(s.OwnBase.DigestStr())
		return &foundBase{digest: digest, reference: s.OwnBase, at: s.OwnBase, own: true}, err
	}
	reference, at, err := locateBase(s, r)
	if err != nil {
		return nil, err
	}
	digest, err := resolveBase(ctx, s, r, at)
	if err != nil {
		return nil, explainBase(s, r, at, err)
	}
	by, from := reference.Context().Digest(digest.String()), at.Context().Digest(digest.String())
	return &foundBase{digest: digest, reference: &by, at: &from}, nil
}

// resolveBase returns the digest of a reference, by asking the registry if it is a tag.
func resolveBase(ctx context.Context, s Spec, r *registry.Client, at name.Reference) (v1.Hash, error) {
	if by, ok := at.(name.Digest); ok {
		return v1.NewHash(by.DigestStr())
	}
	digest, err := r.DigestFor(ctx, at)
	if err == nil {
		s.Bases.SetTag(at.Name(), digest, s.now())
		return digest, nil
	}
	had, then, known := s.Bases.Tag(at.Name())
	if !known || ctx.Err() != nil || !registry.Unanswered(err) {
		return digest, err
	}
	s.Notify(Warning, "image %s: the registry %s cannot be asked which image %s is now: using %s, which it was %s ago (%v)",
		s.Name, at.Context().RegistryStr(), s.Base, had.String()[:19], age(s.now().Sub(then)), err)
	return had, nil
}

// age returns a duration in its largest unit, such as 3 days.
func age(d time.Duration) string {
	for _, unit := range []struct {
		name string
		is   time.Duration
	}{{"day", 24 * time.Hour}, {"hour", time.Hour}, {"minute", time.Minute}} {
		if n := d / unit.is; n == 1 {
			return "1 " + unit.name
		} else if n > 1 {
			return fmt.Sprintf("%d %ss", n, unit.name)
		}
	}
	return "less than a minute"
}

// CheckBase returns an error unless the registry of the spec's base, or its mirror, has it and
// lets the user read it. It reads no manifest: it asks only for the digest, which a registry
// that limits how much users may pull does not count.
func CheckBase(ctx context.Context, s Spec, r *registry.Client) error {
	_, at, err := locateBase(s, r)
	if err != nil {
		return err
	}
	_, err = r.DigestFor(ctx, at)
	return explainBase(s, r, at, err)
}

// locateBase returns the reference of the spec's base, and where it is read, which may be a
// mirror.
func locateBase(s Spec, r *registry.Client) (reference, at name.Reference, err error) {
	if reference, err = r.Parse(s.Base); err != nil {
		return nil, nil, refuseBase(s, err, "write it as in python:3.12-slim or gcr.io/project/image@sha256:...", "is not a valid image reference: %v", err)
	}
	if at, err = r.Mirror(reference); err != nil {
		return nil, nil, refuseBase(s, err, "correct registry-mirrors", "cannot be read: %v", err)
	}
	return reference, at, nil
}

// openBase reads the manifest and the configuration of a base for the spec's platform. It
// returns scratch if found is nil.
func openBase(ctx context.Context, s Spec, r *registry.Client, found *foundBase) (*base, error) {
	if found == nil {
		return scratch(), nil
	}
	if found.packages != nil {
		return openPackages(ctx, s, found)
	}
	store := newBaseStore(s, r, found)
	b, platforms, err := readBase(ctx, store, found.digest, s.platform)
	if errors.Is(err, errNoPlatform) && len(platforms) == 0 {
		return nil, refuseBase(s, err, "name one of its images by its digest: crane manifest "+s.Base+" lists them", "is an image index that does not state the platforms of its images")
	}
	if errors.Is(err, errNoPlatform) {
		return nil, refuseBase(s, err, "choose another base or another platform", "has no image for the platform %s, only for %s", s.platform, strings.Join(platforms, ", "))
	}
	if err != nil {
		return nil, store.explain(err)
	}
	b.found, b.store = found, store
	b.read = func(ctx context.Context) (*rootfs.FS, error) { return readFS(ctx, s, b, noCopy) }
	return b, nil
}

// refuseBase returns an error about the base, at the position of the image in slipway.yaml.
func refuseBase(s Spec, err error, hint, format string, args ...any) error {
	return &source.Error{Position: s.At, Message: fmt.Sprintf("image %s: the base %s ", s.Name, s.Base) + fmt.Sprintf(format, args...), Hint: hint, Err: err}
}

// explainBase explains why a base cannot be read. It returns nil if err is nil.
func explainBase(s Spec, r *registry.Client, reference name.Reference, err error) error {
	switch code := registry.Status(err); {
	case err == nil:
		return nil
	case code == http.StatusNotFound && r.Mirrors != nil:
		return refuseBase(s, err, "check its name and tag, and registry-mirrors", "was not found at %s: %v", reference, err)
	case code == http.StatusNotFound:
		return refuseBase(s, err, "check its name and tag", "was not found: %v", err)
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return refuseBase(s, err, "check its name, and your permission to pull it: docker login "+reference.Context().RegistryStr(), "was not found, or permission to pull it was denied: %v", err)
	}
	explained := r.Explain("read the base "+s.Base, reference.Context().RegistryStr(), err)
	if failed := net.Error(nil); errors.As(err, &failed) && s.Kind == KindPython {
		return fmt.Errorf("%w (where this registry cannot be reached, registry-mirrors names another, or base: \"apt:bookworm\" makes a base of Debian packages)", explained)
	}
	return explained
}

var errNoPlatform = errors.New("no image for this platform")

// maxNested limits how deep indexes may be nested. Layouts on disk have an index of indexes.
const maxNested = 4

// readBase returns the image for a platform. If there is none, it returns errNoPlatform and
// the platforms that the base is for.
func readBase(ctx context.Context, store baseStore, digest v1.Hash, want v1.Platform) (*base, []string, error) {
	text, err := store.manifest(ctx, digest)
	for n := 0; err == nil; n++ {
		var index *v1.IndexManifest
		if index, err = v1.ParseIndexManifest(bytes.NewReader(text)); err != nil || len(index.Manifests) == 0 {
			break
		}
		chosen, platforms := digestForPlatform(index, want)
		if chosen == nil || n == maxNested {
			return nil, platforms, errNoPlatform
		}
		digest = *chosen
		text, err = store.manifest(ctx, digest)
	}
	if err != nil {
		return nil, nil, err
	}
	manifest, err := v1.ParseManifest(bytes.NewReader(text))
	if err != nil {
		return nil, nil, err
	}
	settings, err := store.blob(ctx, manifest.Config.Digest)
	if err != nil {
		return nil, nil, err
	}
	config, err := v1.ParseConfigFile(bytes.NewReader(settings))
	if err != nil {
		return nil, nil, err
	}
	if len(manifest.Layers) != len(config.RootFS.DiffIDs) {
		return nil, nil, fmt.Errorf("the image %s is damaged: it has %d layers, and its configuration has %d", digest, len(manifest.Layers), len(config.RootFS.DiffIDs))
	}
	// Old images do not state a platform.
	if have := config.Platform(); have != nil && have.Architecture != "" && (have.Architecture != want.Architecture || have.OS != want.OS) {
		return nil, []string{have.String()}, errNoPlatform
	}
	return &base{digest: digest, config: config, layers: ociLayers(manifest)}, nil, nil
}

// digestForPlatform returns the digest of the image for a platform in an index. If there is
// none, it returns nil and the platforms in the index.
func digestForPlatform(index *v1.IndexManifest, want v1.Platform) (*v1.Hash, []string) {
	var platforms []string
	for _, m := range index.Manifests {
		if m.Platform == nil || m.Platform.OS == "unknown" { // attestations
			continue
		}
		if m.Platform.Satisfies(want) {
			return &m.Digest, nil
		}
		platforms = append(platforms, m.Platform.String())
	}
	return nil, platforms
}

// ociLayers returns the layers of an image with OCI media types.
func ociLayers(manifest *v1.Manifest) []v1.Descriptor {
	layers := make([]v1.Descriptor, len(manifest.Layers))
	for n, l := range manifest.Layers {
		layers[n] = v1.Descriptor{MediaType: ociMediaType(l.MediaType), Size: l.Size, Digest: l.Digest, URLs: l.URLs}
	}
	return layers
}

// ociMediaType returns the OCI media type that corresponds to the media type of a layer.
func ociMediaType(t types.MediaType) types.MediaType {
	switch t {
	case types.DockerLayer:
		return types.OCILayer
	case types.DockerUncompressedLayer:
		return types.OCIUncompressedLayer
	case types.DockerForeignLayer:
		return types.OCIRestrictedLayer
	}
	return t
}
