package image

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// blobs gives the files of the cache.
func blobs(t *testing.T, dir string) []string {
	t.Helper()
	notes, err := filepath.Glob(filepath.Join(newCache(dir).dir, "*"+noteSuffix))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, n := range notes {
		names = append(names, strings.TrimSuffix(n, noteSuffix))
	}
	return names
}

func TestWarmBuildPacksNothing(t *testing.T) {
	dir := many(100).write(t)
	first := build(t, filesSpec(dir, "src"), nil)
	names := blobs(t, dir)
	if len(names) != first.Layers {
		t.Fatalf("%d blobs for %d layers", len(names), first.Layers)
	}
	for _, name := range names { // shows whether it is written again: the size stays
		damage(t, name)
	}
	if again := build(t, filesSpec(dir, "src"), nil); again.Digest != first.Digest {
		t.Errorf("digest %s became %s", first.Digest, again.Digest)
	}
	for _, name := range names {
		if text, err := os.ReadFile(name); err != nil || !strings.HasPrefix(string(text), "damaged") {
			t.Errorf("%s was packed again, %v", name, err)
		}
	}
}

// damage writes over the beginning of a file.
func damage(t *testing.T, name string) {
	t.Helper()
	file, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteString("damaged"); err != nil {
		t.Fatal(err)
	}
}

// What is sent is what the digest says, whatever became of the cache.
func TestDamagedBlobIsMadeAgain(t *testing.T) {
	for what, harm := range map[string]func(t *testing.T, blob string){
		"overwritten": damage,
		"gone":        func(t *testing.T, blob string) { must(t, os.Remove(blob)) },
		"cut off":     func(t *testing.T, blob string) { must(t, os.Truncate(blob, 3)) },
	} {
		t.Run(what, func(t *testing.T) {
			dir := files{"a": "1"}.write(t)
			first := build(t, filesSpec(dir, "a"), nil)
			warm := build(t, filesSpec(dir, "a"), nil)
			harm(t, blobs(t, dir)[0])
			if digest := readLayer(t, warm); digest != layerDigests(t, first)[0] {
				t.Errorf("the layer's bytes have the digest %s", digest)
			}
			if again := build(t, filesSpec(dir, "a"), nil); again.Digest != first.Digest {
				t.Errorf("digest %s became %s", first.Digest, again.Digest)
			}
		})
	}
}

func TestDamagedNoteIsNotBelieved(t *testing.T) {
	dir := files{"a": "1"}.write(t)
	first := build(t, filesSpec(dir, "a"), nil)
	note := blobs(t, dir)[0] + noteSuffix
	text, err := os.ReadFile(note)
	must(t, err)
	for _, harmed := range []string{"", "{}", string(text[:len(text)/2]), strings.Replace(string(text), "sha256:", "sha256:00", 1)} {
		must(t, os.WriteFile(note, []byte(harmed), 0o644))
		if again := build(t, filesSpec(dir, "a"), nil); again.Digest != first.Digest {
			t.Errorf("with the note %q digest %s became %s", harmed, first.Digest, again.Digest)
		}
	}
}

// readLayer gives the digest of the first layer's bytes as they would be sent.
func readLayer(t *testing.T, i *Image) v1.Hash {
	t.Helper()
	layers, err := i.V1.Layers()
	must(t, err)
	body, err := layers[0].Compressed()
	must(t, err)
	defer body.Close()
	digest, _, err := v1.SHA256(body)
	must(t, err)
	return digest
}

// A tree that changed since the build cannot make the layer again.
func TestDamagedBlobOfAChangedTree(t *testing.T) {
	dir := files{"a": "1"}.write(t)
	build(t, filesSpec(dir, "a"), nil)
	warm := build(t, filesSpec(dir, "a"), nil)
	damage(t, blobs(t, dir)[0])
	must(t, os.WriteFile(filepath.Join(dir, "a"), []byte("2"), 0o644))
	layers, err := warm.V1.Layers()
	must(t, err)
	if body, err := layers[0].Compressed(); err == nil {
		text, _ := io.ReadAll(body)
		t.Errorf("another layer is given: %q", text)
	}
	again := build(t, filesSpec(dir, "a"), nil)
	if readLayer(t, again) != layerDigests(t, again)[0] {
		t.Error("the next build gives a damaged layer")
	}
}

func TestBuildsAtTheSameTime(t *testing.T) {
	dir := many(60).write(t)
	var group sync.WaitGroup
	digests := make([]v1.Hash, 6)
	for n := range digests {
		group.Go(func() {
			made, err := Build(t.Context(), filesSpec(dir, "src"), nil)
			if err != nil {
				t.Error(err)
				return
			}
			digests[n] = made.Digest
		})
	}
	group.Wait()
	for _, d := range digests {
		if d != digests[0] {
			t.Errorf("digests differ: %v", digests)
		}
	}
}

func TestPrune(t *testing.T) {
	dir := t.TempDir()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, age := range map[string]time.Duration{
		"new": time.Hour, "used": 9 * time.Hour, "older": 3 * time.Hour, "old": 5 * time.Hour, ".part-live": time.Hour, ".part-dead": 48 * time.Hour,
	} {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte("12345"), 0o644))
		if !strings.HasPrefix(name, ".") {
			must(t, os.WriteFile(filepath.Join(dir, name+noteSuffix), nil, 0o644))
		}
		must(t, os.Chtimes(filepath.Join(dir, name), now, now.Add(-age)))
	}
	must(t, pruneDir(dir, map[string]bool{"used": true}, 10, now))
	for name, want := range map[string]bool{"new": true, "used": true, "older": true, "old": false, "old" + noteSuffix: false, ".part-live": true, ".part-dead": false} {
		if _, err := os.Stat(filepath.Join(dir, name)); (err == nil) != want {
			t.Errorf("%s: %v; want it kept: %v", name, err, want)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
