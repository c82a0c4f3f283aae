//go:build unix

package transfer_test

import (
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/slipway-ci/slipway/internal/storage"
	"github.com/slipway-ci/slipway/internal/transfer"
)

// TestPlantedParts has a pipe and links where a sync would keep what it has of an object, such as a job leaves in a
// volume. They are replaced: no other file is written, and no sync waits for a pipe.
func TestPlantedParts(t *testing.T) {
	for name, plant := range map[string]func(part string) error{
		"a pipe":          func(part string) error { return unix.Mkfifo(part, 0o600) },
		"a link":          func(part string) error { return os.Symlink("victim", part) },
		"a dangling link": func(part string) error { return os.Symlink("created", part) },
		"a link out":      func(part string) error { return os.Symlink("/dev/zero", part) },
	} {
		b, dir := serve(t), t.TempDir()
		put(t, b, "x", "content")
		write(t, dir, map[string]string{"victim": "kept"})
		part := b.interrupted(t, dir)
		for _, goesOn := range []bool{true, false} { // also one that no object has any more
			if err := errors.Join(os.RemoveAll(part), plant(part)); err != nil {
				t.Fatal(err)
			}
			if !goesOn {
				if err := b.Delete(t.Context(), &storage.Object{Bucket: "data", Name: "x", Generation: b.generation(t, "x")}); err != nil {
					t.Fatal(err)
				}
				put(t, b, "x", "other content")
			}
			if _, err := b.sync(t, "gs://data", dir, t.TempDir(), nil); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if _, err := os.Lstat(part); err == nil {
				t.Errorf("%s: it is left", name)
			}
		}
		equal(t, map[string]string{"x": "other content", "victim": "kept"}, read(t, dir))
	}
}

func (b *buckets) generation(t *testing.T, name string) int64 {
	t.Helper()
	o, err := b.Stat(t.Context(), "data", name)
	if err != nil {
		t.Fatal(err)
	}
	return o.Generation
}

// interrupted returns the path of what a sync to a directory has left that could not download its only object.
func (b *buckets) interrupted(t *testing.T, dir string) string {
	t.Helper()
	b.fault = func(_ int64, r *http.Request, next http.RoundTripper) (*http.Response, error) {
		if r.URL.Query().Get("alt") == "media" {
			return &http.Response{StatusCode: http.StatusForbidden, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("no")), Request: r}, nil
		}
		return next.RoundTrip(r)
	}
	defer func() { b.fault = nil }()
	_, err := b.sync(t, "gs://data", dir, t.TempDir(), nil)
	found, wrong := filepath.Glob(filepath.Join(dir, ".part-gs-*"))
	if err == nil || wrong != nil || len(found) != 1 {
		t.Fatal(err, wrong, found)
	}
	return found[0]
}

// TestFileBecomesAPipe replaces a file by a pipe after it was listed. It is named, and no sync waits for it.
func TestFileBecomesAPipe(t *testing.T) {
	b, dir := serve(t), t.TempDir()
	write(t, dir, map[string]string{"a": "one", "b": "two"})
	put(t, b, "b", "TWO") // whose checksum is compared
	b.fault = func(_ int64, r *http.Request, next http.RoundTripper) (*http.Response, error) {
		response, err := next.RoundTrip(r)
		if r.Method == http.MethodGet { // the list of the bucket comes after that of the files
			for _, name := range []string{"a", "b"} {
				path := filepath.Join(dir, name)
				if err := errors.Join(os.Remove(path), unix.Mkfifo(path, 0o600)); err != nil {
					t.Error(err)
				}
			}
		}
		return response, err
	}
	s, err := b.sync(t, dir, "gs://data", t.TempDir(), nil)
	if changed := new(transfer.ChangedError); !errors.As(err, &changed) || s == nil || len(s.Changes) > 0 {
		t.Errorf("%+v, %v", s, err)
	}
}

// TestLinksToGit has links in the directory of a sync that lead into git's own, as a repository may have them.
// Nothing is written there, unless the user names it.
func TestLinksToGit(t *testing.T) {
	for name, test := range map[string]struct{ link, to, target string }{
		"a directory":         {"raw/d", "raw", "../.git/hooks"},
		"one above":           {"raw/d", "raw", "../.git"},
		"the directory":       {"raw", "raw", ".git/hooks"},
		"below the directory": {"raw", "raw/new", ".git/hooks"},
	} {
		b, root := serve(t), t.TempDir()
		write(t, root, map[string]string{".git/hooks/kept": "kept", "other/x": "x"})
		put(t, b, "d/hooks/post-checkout", "#!/bin/sh\ntouch /tmp/x\n")
		link := filepath.Join(root, test.link)
		if err := errors.Join(os.MkdirAll(filepath.Dir(link), 0o755), os.Symlink(test.target, link)); err != nil {
			t.Fatal(err)
		}
		_, err := b.sync(t, "gs://data", filepath.Join(root, test.to), t.TempDir(), nil)
		if wrong := new(transfer.NameError); !errors.As(err, &wrong) || !strings.Contains(err.Error(), "is a link that leads there, or is below one") {
			t.Errorf("%s: %v", name, err)
		}
		equal(t, map[string]string{"hooks/kept": "kept"}, read(t, filepath.Join(root, ".git")))
	}
	b, root := serve(t), t.TempDir()
	write(t, root, map[string]string{".git/config": "c"})
	put(t, b, "x", "x")
	if err := os.Symlink("other", filepath.Join(root, "raw")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(root, "other"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{".git", "raw"} {
		if _, err := b.sync(t, "gs://data", filepath.Join(root, to), t.TempDir(), nil); err != nil {
			t.Errorf("to %s: %v", to, err)
		}
	}
}
