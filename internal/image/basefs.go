package image

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/slipway-ci/slipway/internal/contextio"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/registry"
	"github.com/slipway-ci/slipway/internal/rootfs"
	"github.com/slipway-ci/slipway/internal/source"
)

// layerReaders is the number of layers of a base that are read at once.
const layerReaders = 3

// baseCache is a cache of manifests, configurations and layer headers of bases, by digest. Its
// files may be deleted at any time.
type baseCache struct{ dir string }

// openBaseCache returns the cache of bases of this machine, or else the one in the spec's tree.
func openBaseCache(s Spec) baseCache {
	if dir := s.Bases.Dir("documents"); dir != "" {
		return baseCache{dir}
	}
	return baseCache{filepath.Join(cacheDir(s.Dir), "bases")}
}

// blob returns the blob with a digest from the cache, or calls ask and caches the result.
func (k baseCache) blob(digest v1.Hash, ask func() ([]byte, error)) ([]byte, error) {
	file := filepath.Join(k.dir, digest.Hex)
	if text, err := source.ReadFile(nil, file, maxCacheFile); err == nil && registry.DigestOf(text) == digest {
		return text, nil
	}
	text, err := ask()
	if err != nil {
		return nil, err
	}
	if registry.DigestOf(text) != digest {
		return nil, fmt.Errorf("digest mismatch for a base: want %s, got %s", digest, registry.DigestOf(text))
	}
	_ = writeAtomic(file, text) // without the file, it is requested again
	return text, nil
}

// layer returns the cached headers of a layer, and false if there are none.
func (k baseCache) layer(digest v1.Hash) (*rootfs.Layer, bool) {
	text, err := readSigned(k.layerFile(digest))
	if err != nil {
		return nil, false
	}
	var l rootfs.Layer
	return &l, json.Unmarshal(text, &l) == nil
}

// storeLayer caches the headers of a layer.
func (k baseCache) storeLayer(digest v1.Hash, l *rootfs.Layer) {
	if text, err := json.Marshal(l); err == nil {
		_ = writeSigned(k.layerFile(digest), text) // without the file, the layer is read again
	}
}

// layerFile returns the path of the cached headers of a layer.
func (k baseCache) layerFile(digest v1.Hash) string {
	return filepath.Join(k.dir, digest.Hex+".layer-"+rootfs.FormatVersion)
}

// layerCopier copies the nth layer of a base to another registry and calls read with its
// content on the way. It returns false if it does not copy the layer.
type layerCopier func(ctx context.Context, n int, read func(io.Reader) error) (passed bool, err error)

// readFS returns the file system of a base. Each layer is read once per machine, whichever
// base it belongs to. pass may copy a layer while it is read.
func readFS(ctx context.Context, s Spec, b *base, pass layerCopier) (*rootfs.FS, error) {
	k := openBaseCache(s)
	layers := make([]*rootfs.Layer, len(b.layers))
	var lacking []int
	var bytes int64
	for n, l := range b.layers {
		var ok bool
		if layers[n], ok = k.layer(l.Digest); !ok {
			lacking = append(lacking, n)
			bytes += l.Size
		}
	}
	if len(lacking) > 0 {
		s.Notify(Detail, "reading the files of the base %s: %d MB, once for each base", s.Base, (bytes+500_000)/1_000_000)
	}
	partial := make([]bool, len(b.layers))
	group, limited := panics.WithContext(ctx)
	group.SetLimit(layerReaders)
	for _, n := range lacking {
		l := b.layers[n]
		if len(l.URLs) > 0 || l.MediaType == types.OCIRestrictedLayer {
			layers[n], partial[n] = &rootfs.Layer{}, true
			continue
		}
		group.Go(func() error {
			read := func(body io.Reader) (err error) {
				layers[n], partial[n], err = readLayer(limited, body, l.Digest)
				return err
			}
			passed, err := pass(limited, n, read)
			if err == nil && !passed {
				err = b.store.explain(b.store.read(limited, l, read))
			}
			if err == nil && !partial[n] {
				k.storeLayer(l.Digest, layers[n])
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, err
	}
	fs := rootfs.Merge(layers...)
	for _, p := range partial {
		fs.Partial = fs.Partial || p
	}
	return fs, nil
}

// readLayer reads a layer to its end, so that its digest is verified. If the layer is
// intact but is not an archive that rootfs can read, readLayer returns an empty layer, and
// partial is true.
func readLayer(ctx context.Context, stream io.Reader, digest v1.Hash) (l *rootfs.Layer, partial bool, err error) {
	body := contextio.NewReader(ctx, stream)
	l, wrong := rootfs.Read(body)
	if _, err := io.Copy(io.Discard, body); err != nil {
		return nil, false, fmt.Errorf("read the layer %s: %w", digest, errors.Join(err, ctx.Err()))
	}
	if wrong != nil {
		return &rootfs.Layer{}, true, nil //nolint:nilerr // an unreadable layer is partial, which is not an error
	}
	return l, false, nil
}

// baseFacts is what an image records of its base in an annotation, so that a machine that
// builds the image with other files need not read the layers of the base.
type baseFacts struct {
	// Base is the digest of the base's manifest.
	Base string `json:"base"`
	rootfs.Excerpt
	// Python is the interpreter that was found for the settings in slipway.yaml.
	Python *pythonFacts `json:"python,omitempty"`
}

// pythonFacts is the interpreter of a base, and the settings that it was found for.
type pythonFacts struct {
	Asked   string      `json:"asked"`
	Path    string      `json:"path"`
	Version string      `json:"version"`
	Libc    rootfs.Libc `json:"libc"`
}

// asked returns the settings of the interpreter in slipway.yaml.
func (s Spec) asked() string { return strings.TrimSpace(s.Python + " " + s.Interpreter) }

// facts returns what a recipe's image records of its base. It depends on the recipe only.
func (b *base) facts(ctx context.Context, r *Recipe) (*baseFacts, error) {
	if b.found == nil {
		return nil, nil
	}
	var dirs []string
	for _, c := range r.contents {
		for _, e := range c.entries {
			dirs = append(dirs, path.Dir(e.name))
		}
	}
	if r.spec.Kind == KindPython {
		dirs = append(dirs, environmentRoot)
	}
	slices.Sort(dirs)
	f := &baseFacts{Base: b.digest.String()}
	err := b.withFS(ctx, func(fs *rootfs.FS) { f.Excerpt = fs.Excerpt(slices.Compact(dirs)) })
	if p := b.python; p != nil {
		f.Python = &pythonFacts{r.spec.asked(), p.path, p.version, p.libc}
	}
	return f, err
}

// useFacts uses what an image recorded of its base, if that was the same base.
func (b *base) useFacts(s Spec, f *baseFacts) {
	if f == nil || b.found == nil || f.Base != b.digest.String() {
		return
	}
	b.known = f.FS()
	if p := f.Python; p != nil && p.Asked == s.asked() {
		b.python = &interpreter{p.Path, p.Version, p.Libc}
	}
}
