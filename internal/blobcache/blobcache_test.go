package blobcache

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/slipway-ci/slipway/internal/atomicfile"
)

func digestOf(text string) v1.Hash {
	sum := sha256.Sum256([]byte(text))
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum[:])}
}

// keep reads a text through the cache, as far as its first n bytes.
func keep(t *testing.T, c Cache, text string, digest v1.Hash, n int64) {
	t.Helper()
	stream := c.Keep(io.NopCloser(strings.NewReader(text)), digest, int64(len(text)))
	if _, err := io.Copy(io.Discard, io.LimitReader(stream, n)); err != nil {
		t.Fatal(err)
	}
	if err := stream.Close(); err != nil {
		t.Fatal(err)
	}
}

// cached returns what the cache has of a text.
func cached(c Cache, text string) (string, error) {
	stream, err := c.Open(digestOf(text))
	if err != nil {
		return "", err
	}
	defer stream.Close()
	read, err := io.ReadAll(stream)
	return string(read), err
}

func TestBlobs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := New(dir, 1<<20)
	keep(t, c, "one", digestOf("one"), 1<<20)
	if text, err := cached(c, "one"); text != "one" || err != nil {
		t.Errorf("the blob is %q, %v", text, err)
	}
	keep(t, c, "half", digestOf("half"), 2)
	keep(t, c, "other", digestOf("wrong"), 1<<20)
	keep(t, Cache{}, "nowhere", digestOf("nowhere"), 1<<20)
	keep(t, New(dir, 20), "larger than a quarter", digestOf("larger than a quarter"), 1<<20)
	for _, text := range []string{"half", "wrong", "other", "nowhere", "larger than a quarter"} {
		if _, err := cached(c, text); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q is there: %v", text, err)
		}
	}
	if files, err := os.ReadDir(filepath.Join(dir, blobsDir)); err != nil || len(files) != 1 {
		t.Errorf("the cache has %v, %v", files, err)
	}
	// A damaged blob is not taken, and is read again.
	if err := os.WriteFile(c.blob(digestOf("one")), []byte("eno"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := cached(c, "one"); !errors.Is(err, ErrDamaged) {
		t.Errorf("a damaged blob: %v", err)
	}
	if _, err := cached(c, "one"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
}

// TestRoom fills the cache: what was not used for the longest time goes first.
func TestRoom(t *testing.T) {
	t.Parallel()
	c := New(t.TempDir(), 12)
	for _, text := range []string{"aaa", "bbb", "ccc", "ddd"} {
		keep(t, c, text, digestOf(text), 1<<20)
	}
	for n, text := range []string{"bbb", "aaa", "ccc", "ddd"} {
		at := time.Unix(int64(n), 0)
		if err := os.Chtimes(c.blob(digestOf(text)), at, at); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := cached(c, "bbb"); err != nil { // used again
		t.Fatal(err)
	}
	left := filepath.Join(c.dir, blobsDir, atomicfile.Prefix+"killed")
	if err := os.WriteFile(left, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(left, time.Unix(0, 0), time.Unix(0, 0)); err != nil {
		t.Fatal(err)
	}
	keep(t, c, "eee", digestOf("eee"), 1<<20)
	for text, there := range map[string]bool{"aaa": false, "bbb": true, "ccc": true, "ddd": true, "eee": true} {
		if _, err := cached(c, text); (err == nil) != there {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := os.Stat(left); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what a killed process left is there: %v", err)
	}
}

func TestTags(t *testing.T) {
	t.Parallel()
	c, at := New(t.TempDir(), 1<<20), time.Unix(7, 0).UTC()
	if _, _, known := c.Tag("a:1"); known {
		t.Error("a tag is known that was not set")
	}
	c.SetTag("a:1", digestOf("old"), at.Add(-time.Hour))
	c.SetTag("a:1", digestOf("one"), at)
	if digest, then, known := c.Tag("a:1"); digest != digestOf("one") || !then.Equal(at) || !known {
		t.Errorf("the tag is %s, %s, %t", digest, then, known)
	}
	if err := os.WriteFile(c.tag("a:1"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, known := c.Tag("a:1"); known {
		t.Error("a damaged tag is known")
	}
	Cache{}.SetTag("a:1", digestOf("one"), at)
}
