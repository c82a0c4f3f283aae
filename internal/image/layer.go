package image

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/gzip"
)

// level is gzip's fastest that still finds repetitions: layers are sent once and
// unpacked often.
const level = gzip.BestSpeed

// cache keeps compressed layers by the fingerprint of what is in them, so that
// what did not change is read, and neither packed nor compressed again. It may be
// deleted at any time.
type cache struct{ dir string }

func newCache(root string) *cache {
	return &cache{dir: filepath.Join(root, ".slipway", "cache", "image", "layers")}
}

// facts of a compressed layer, as the cache notes them beside it.
type facts struct {
	Digest v1.Hash `json:"digest"`
	DiffID v1.Hash `json:"diff_id"`
	Size   int64   `json:"size"`
}

// layer gives the layer of entries, and the fingerprint of what is in it.
func (c *cache) layer(ctx context.Context, entries []entry, what string) (v1.Layer, string, error) {
	fingerprint, err := hashEntries(ctx, entries)
	if err != nil {
		return nil, "", fmt.Errorf("read the %s: %w", what, err)
	}
	blob := filepath.Join(c.dir, fingerprint)
	if known, ok := c.known(blob); ok {
		return &cachedLayer{known, blob}, fingerprint, nil
	}
	made, err := c.pack(ctx, entries, blob)
	if err != nil {
		return nil, "", fmt.Errorf("pack the %s: %w", what, err)
	}
	if again, err := hashEntries(ctx, entries); err != nil || again != fingerprint {
		_ = os.Remove(blob + ".json") // the layer holds something else than its name says
		return nil, "", errors.Join(fmt.Errorf("the %s changed while they were read; run it again", what), err)
	}
	return &cachedLayer{made, blob}, fingerprint, nil
}

// known gives the facts of a layer that is in the cache, whole.
func (c *cache) known(blob string) (facts, bool) {
	var f facts
	text, err := os.ReadFile(blob + ".json")
	if err != nil || json.Unmarshal(text, &f) != nil {
		return f, false
	}
	info, err := os.Stat(blob)
	return f, err == nil && info.Size() == f.Size
}

// pack writes a layer: sorted, owned by root, without times, so that its bytes
// depend on what is in it only.
func (c *cache) pack(ctx context.Context, entries []entry, blob string) (facts, error) {
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return facts{}, err
	}
	file, err := os.CreateTemp(c.dir, ".part-*")
	if err != nil {
		return facts{}, err
	}
	defer func() { _ = os.Remove(file.Name()) }() // gone already when all went well
	compressed, plain := &counter{hash: sha256.New()}, sha256.New()
	zip, err := gzip.NewWriterLevel(io.MultiWriter(file, compressed), level)
	if err != nil {
		return facts{}, errors.Join(err, file.Close())
	}
	err = write(ctx, io.MultiWriter(zip, plain), entries)
	if err = errors.Join(err, zip.Close(), file.Close()); err != nil {
		return facts{}, err
	}
	f := facts{Digest: sum(compressed.hash), DiffID: sum(plain), Size: compressed.n}
	if err := os.Rename(file.Name(), blob); err != nil {
		return facts{}, err
	}
	text, err := json.Marshal(f)
	if err != nil {
		return facts{}, err
	}
	note := file.Name() + ".json"
	if err := os.WriteFile(note, text, 0o644); err != nil {
		return facts{}, err
	}
	return f, os.Rename(note, blob+".json")
}

// write makes a tar of entries, and of the directories they are in.
func write(ctx context.Context, w io.Writer, entries []entry) error {
	archive := tar.NewWriter(w)
	for _, directory := range directories(entries) {
		header := &tar.Header{Typeflag: tar.TypeDir, Name: directory + "/", Mode: 0o755, ModTime: time.Unix(0, 0), Format: tar.FormatPAX}
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
	}
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := writeEntry(archive, e); err != nil {
			return err
		}
	}
	return archive.Close()
}

func writeEntry(archive *tar.Writer, e entry) error {
	header := &tar.Header{Typeflag: tar.TypeReg, Name: strings.TrimPrefix(e.name, "/"), Mode: int64(e.mode), ModTime: time.Unix(0, 0), Format: tar.FormatPAX}
	if e.link != "" {
		header.Typeflag, header.Linkname, header.Mode = tar.TypeSymlink, e.link, 0o777
		return archive.WriteHeader(header)
	}
	file, err := os.Open(e.source)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	header.Size = info.Size()
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	n, err := io.Copy(archive, io.LimitReader(file, header.Size))
	if err != nil {
		return fmt.Errorf("%s: %w", e.source, err)
	}
	// One byte more tells a file that grew meanwhile.
	if extra, _ := file.Read(make([]byte, 1)); n != header.Size || extra > 0 {
		return fmt.Errorf("%s changed while it was read; run it again", e.source)
	}
	return nil
}

// directories gives all parents of entries, by name.
func directories(entries []entry) []string {
	seen := map[string]bool{}
	for _, e := range entries {
		for at := path.Dir(e.name); at != "/" && !seen[at]; at = path.Dir(at) {
			seen[at] = true
		}
	}
	names := make([]string, 0, len(seen))
	for at := range seen {
		names = append(names, strings.TrimPrefix(at, "/"))
	}
	sort.Strings(names)
	return names
}

// hashEntries gives the fingerprint of names, modes and contents.
func hashEntries(ctx context.Context, entries []entry) (string, error) {
	h := sha256.New()
	fmt.Fprintf(h, "layer/%s\n", kindVersion)
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%q %o %q ", e.name, e.mode, e.link)
		if e.link == "" {
			content, err := hashFile(e.source)
			if err != nil {
				return "", err
			}
			h.Write(content)
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func hashFile(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return h.Sum(nil), nil
}

// cachedLayer is a layer whose compressed bytes are a file.
type cachedLayer struct {
	facts
	blob string
}

// Digest implements v1.Layer.
func (l *cachedLayer) Digest() (v1.Hash, error) { return l.facts.Digest, nil }

// DiffID implements v1.Layer.
func (l *cachedLayer) DiffID() (v1.Hash, error) { return l.facts.DiffID, nil }

// Compressed implements v1.Layer.
func (l *cachedLayer) Compressed() (io.ReadCloser, error) { return os.Open(l.blob) }

// Uncompressed implements v1.Layer.
func (l *cachedLayer) Uncompressed() (io.ReadCloser, error) {
	file, err := os.Open(l.blob)
	if err != nil {
		return nil, err
	}
	zip, err := gzip.NewReader(file)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return struct {
		io.Reader
		io.Closer
	}{zip, file}, nil
}

// Size implements v1.Layer.
func (l *cachedLayer) Size() (int64, error) { return l.facts.Size, nil }

// MediaType implements v1.Layer.
func (l *cachedLayer) MediaType() (types.MediaType, error) { return types.OCILayer, nil }

type counter struct {
	hash hash.Hash
	n    int64
}

func (c *counter) Write(b []byte) (int, error) {
	c.n += int64(len(b))
	return c.hash.Write(b)
}

func sum(h hash.Hash) v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(h.Sum(nil))}
}
