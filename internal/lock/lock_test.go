package lock

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-ci/slipway/internal/atomicfile"
	"github.com/slipway-ci/slipway/internal/source"
)

var one = System{Requested: []string{"a"}, Distribution: "debian", Packages: []Package{{Name: "a", Version: "1:2-3", Architecture: "all", URL: "http://a.test/a.deb", Size: 3, SHA256: strings.Repeat("0a", 32)}}}

// Builds of several images write the file at once, and none is lost.
func TestConcurrentWrites(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var group sync.WaitGroup
	for n := range 8 {
		group.Go(func() {
			if err := SetSystem(dir, fmt.Sprintf("image-%d", n), map[string]System{"linux/amd64": one}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for n := range 8 {
		got, ok, err := SystemOf(dir, fmt.Sprintf("image-%d", n), "linux/amd64")
		if diff := cmp.Diff(one, got); diff != "" || !ok || err != nil {
			t.Error(ok, err, diff)
		}
	}
	if _, ok, err := SystemOf(dir, "image-1", "linux/arm64"); ok || err != nil {
		t.Error(ok, err)
	}
	left, err := filepath.Glob(filepath.Join(dir, atomicfile.Prefix+"*"))
	if len(left) > 0 || err != nil {
		t.Error(left, err)
	}
}

func TestBrokenFiles(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"{\n\"version\": 1,\n":                     "it is not the JSON that slipway build writes",
		"{\n<<<<<<< HEAD\n":                        "it has a merge conflict",
		`{"version": 2}`:                           "it is of the format 2, which a newer slipway wrote",
		`{"images": {"i": {"linux/amd64": null}}}`: "images.i.linux/amd64 has no value",
		`{"images": {"i": {"p": {"system": {"packages": [{"name": "a", "version": "1", "architecture": "all", "url": "file:///a", "sha256": ""}]}}}}}`: `the package "a" of image i has no valid name`,
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, Name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		_, _, err := SystemOf(dir, "i", "p")
		if located := (*source.Error)(nil); !errors.As(err, &located) || !strings.Contains(err.Error(), want) || located.Line == 0 {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
		if err := SetSystem(dir, "i", map[string]System{"p": one}); err == nil {
			t.Errorf("%s is overwritten", text)
		}
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, Name), 0o755); err != nil {
		t.Fatal(err)
	}
	_, _, err := SystemOf(dir, "i", "p")
	if located := (*source.Error)(nil); !errors.As(err, &located) || !strings.Contains(err.Error(), "it is a directory, not a file") || located.Line == 0 {
		t.Errorf("a directory: %v", err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"version": 1, "images": {"i": {"p": {"system": {"requested": ["a"], "packages": []}}}}}`))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(filepath.Join(dir, Name), text, 0o644); err != nil {
			t.Fatal(err)
		}
		_, _, _ = SystemOf(dir, "i", "p")
	})
}
