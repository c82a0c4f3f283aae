package image

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/gzip"
)

const (
	// cacheLimit is how many bytes of layers are kept; those of the last build
	// are kept whatever their size.
	cacheLimit = 4 << 30
	// leftover is the age from which the temporary file of a build is that of a
	// build that was killed.
	leftover = 24 * time.Hour
)

// cache keeps compressed layers by the fingerprint of what is in them, so that
// what did not change is neither packed nor compressed again. A layer is a file
// of that name and a note of its facts beside it, which is written last: a
// process that is killed leaves no note. It may be deleted at any time.
type cache struct {
	dir string
	// used are the layers of this build; packed tells that it added one.
	used   map[string]bool
	packed bool
}

// cacheDir is where this package keeps what can be made again.
func cacheDir(root string) string { return filepath.Join(root, ".slipway", "cache", "image") }

func newCache(root string) *cache {
	return &cache{dir: filepath.Join(cacheDir(root), "blobs"), used: map[string]bool{}}
}

// layer is a layer whose compressed bytes are a file of the cache.
type layer struct {
	facts
	// fingerprint is the identity of entries, whose files are below dir.
	fingerprint, dir string
	entries          []entry
	// what the layer holds, in a word.
	what string
	blob string

	mu sync.Mutex
	// whole tells that the blob's bytes are known to be those of the digest.
	whole bool
}

// layer gives the layer of entries, which have been read below dir.
func (c *cache) layer(ctx context.Context, dir string, entries []entry, what string) (*layer, error) {
	l := &layer{fingerprint: fingerprint(entries), dir: dir, entries: entries, what: what}
	l.blob = filepath.Join(c.dir, l.fingerprint)
	c.used[l.fingerprint] = true
	if known, ok := readNote(l.blob); ok {
		l.facts = known
		now := time.Now()
		_ = os.Chtimes(l.blob, now, now) // the order in which prune deletes; a build does without it
		return l, nil
	}
	made, err := l.pack(ctx)
	if err != nil {
		return nil, err
	}
	l.facts, l.whole, c.packed = made, true, true
	return l, nil
}

// pack makes the blob and its note.
func (l *layer) pack(ctx context.Context) (facts, error) {
	failed := func(err error) (facts, error) { return facts{}, fmt.Errorf("pack the %s: %w", l.what, err) }
	if err := os.MkdirAll(filepath.Dir(l.blob), 0o755); err != nil {
		return failed(err)
	}
	file, err := os.CreateTemp(filepath.Dir(l.blob), ".part-*")
	if err != nil {
		return failed(err)
	}
	defer func() { _ = os.Remove(file.Name()) }() // gone already when all went well
	made, err := pack(ctx, file, l.dir, l.entries)
	if err = errors.Join(err, file.Close()); err != nil {
		return failed(err)
	}
	if err := os.Rename(file.Name(), l.blob); err != nil {
		return failed(err)
	}
	if err := writeNote(l.blob, made); err != nil {
		return failed(err)
	}
	return made, nil
}

// open gives the compressed bytes. They are read once before they are first
// given away, and a blob that is damaged or gone is made again.
func (l *layer) open(ctx context.Context) (io.ReadCloser, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	file, err := l.check(ctx)
	if err == nil {
		return file, nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	_ = os.Remove(l.blob + noteSuffix) // whatever happens now, nobody takes the blob for whole
	made, err := l.pack(ctx)
	if err != nil {
		return nil, err
	}
	if made != l.facts { // the note lied: the build that read it has the wrong digest
		return nil, fmt.Errorf("the cached layer of the %s was damaged; it has been made again: run it again", l.what)
	}
	l.whole = true
	return os.Open(l.blob)
}

var errDamaged = errors.New("the cached layer is damaged")

// check opens the blob if it is what its digest says.
func (l *layer) check(ctx context.Context) (io.ReadCloser, error) {
	file, err := os.Open(l.blob)
	if err != nil || l.whole {
		return file, err
	}
	h := &counter{Hash: sha256.New()}
	_, err = io.Copy(h, &contextReader{ctx, file})
	if err == nil && (h.n != l.facts.Size || sum(h) != l.facts.Digest) {
		err = errDamaged
	}
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	l.whole = true
	return file, nil
}

// Digest implements v1.Layer.
func (l *layer) Digest() (v1.Hash, error) { return l.facts.Digest, nil }

// DiffID implements v1.Layer.
func (l *layer) DiffID() (v1.Hash, error) { return l.facts.DiffID, nil }

// Size implements v1.Layer.
func (l *layer) Size() (int64, error) { return l.facts.Size, nil }

// MediaType implements v1.Layer.
func (l *layer) MediaType() (types.MediaType, error) { return types.OCILayer, nil }

// Compressed implements v1.Layer, whose interface has no context.
func (l *layer) Compressed() (io.ReadCloser, error) { return l.open(context.Background()) }

// Uncompressed implements v1.Layer.
func (l *layer) Uncompressed() (io.ReadCloser, error) {
	file, err := l.Compressed()
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

const noteSuffix = ".json"

// writeNote notes the facts of a blob, and a hash by which damage to the note is
// seen: a wrong DiffID in it would make an image that nobody can unpack.
func writeNote(blob string, f facts) error {
	text, err := json.Marshal(f)
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(blob), ".part-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file.Name()) }()
	hash := sha256.Sum256(text)
	_, err = fmt.Fprintf(file, "%s\n%x\n", text, hash)
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), blob+noteSuffix)
}

// readNote gives the facts of a blob that is in the cache with its full size.
func readNote(blob string) (facts, bool) {
	var f facts
	note, err := os.ReadFile(blob + noteSuffix)
	if err != nil {
		return f, false
	}
	text, check, _ := bytes.Cut(note, []byte("\n"))
	hash := sha256.Sum256(text)
	if hex.EncodeToString(hash[:]) != strings.TrimSpace(string(check)) || json.Unmarshal(text, &f) != nil {
		return f, false
	}
	info, err := os.Stat(blob)
	return f, err == nil && info.Size() == f.Size
}

// prune deletes the layers that were used longest ago, when there are too many
// bytes of them, and what killed builds left. A build that loses a layer to it
// makes it again.
func (c *cache) prune() error {
	if !c.packed {
		return nil
	}
	return pruneDir(c.dir, c.used, cacheLimit, time.Now())
}

func pruneDir(dir string, used map[string]bool, limit int64, now time.Time) error {
	files, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("tidy the image cache: %w", err)
	}
	var blobs []fs.FileInfo
	for _, f := range files {
		info, err := f.Info()
		switch {
		case err != nil: // another build was faster
		case strings.HasPrefix(f.Name(), ".part-"):
			if now.Sub(info.ModTime()) > leftover {
				_ = os.Remove(filepath.Join(dir, f.Name()))
			}
		case !strings.HasSuffix(f.Name(), noteSuffix):
			blobs = append(blobs, info)
		}
	}
	slices.SortFunc(blobs, func(a, b fs.FileInfo) int { return b.ModTime().Compare(a.ModTime()) })
	var kept int64
	for _, b := range blobs {
		if kept += b.Size(); kept > limit && !used[b.Name()] {
			blob := filepath.Join(dir, b.Name())
			_ = os.Remove(blob + noteSuffix)
			_ = os.Remove(blob)
		}
	}
	return nil
}
