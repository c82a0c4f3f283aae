package transfer_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/slipway-ci/slipway/internal/storage"
	"github.com/slipway-ci/slipway/internal/transfer"
)

// TestKilled kills a sync in the middle of a file. The next one sends or requests only the rest, and leaves
// nothing else.
func TestKilled(t *testing.T) {
	// So much is in the buffers of a connection, at most.
	syncIfKilled(t, func(p transfer.Progress) bool { return p.Bytes > 40<<20 })
	b, dir, cache := serve(t), t.TempDir(), t.TempDir()
	from, back := filepath.Join(dir, "from"), filepath.Join(dir, "back")
	content := strings.Repeat("0123456789abcdef", 4<<20) // 64 MiB
	write(t, from, map[string]string{"big": content})
	for _, pair := range [][2]string{{from, "gs://data"}, {"gs://data", back}} {
		b.syncAndKill(t, pair[0], pair[1], cache)
		var moved int64
		b.fault = func(_ int64, r *http.Request, next http.RoundTripper) (*http.Response, error) {
			response, err := next.RoundTrip(r)
			if err == nil {
				moved += max(r.ContentLength, 0) + max(response.ContentLength, 0)
			}
			return response, err
		}
		if _, err := b.sync(t, pair[0], pair[1], cache, nil); err != nil {
			t.Fatal(err)
		}
		if moved < 1<<20 || moved > int64(len(content))*3/4 {
			t.Errorf("to %s: the second sync moved %d bytes of %d", pair[1], moved, len(content))
		}
	}
	equal(t, map[string]string{"big": content}, read(t, back))
	if left, _ := filepath.Glob(filepath.Join(cache, "upload-*")); len(left) > 0 {
		t.Errorf("left %q", left)
	}
}

// TestChanging changes and removes files while they are sent. They are named, and all others are copied;
// the Summary has only what was copied.
func TestChanging(t *testing.T) {
	for name, change := range map[string]func(path string) error{
		"changes":  func(path string) error { return os.WriteFile(path, []byte("another and longer content"), 0o600) },
		"vanishes": os.Remove,
	} {
		t.Run(name, func(t *testing.T) {
			b, dir, cache := serve(t), t.TempDir(), t.TempDir()
			write(t, dir, map[string]string{"a": "one", "b": "two", "c": "three"})
			b.fault = func(_ int64, r *http.Request, next http.RoundTripper) (*http.Response, error) {
				if r.Method == http.MethodGet { // the list of the bucket comes after that of the files
					if err := change(filepath.Join(dir, "b")); err != nil && !errors.Is(err, fs.ErrNotExist) {
						t.Error(err)
					}
				}
				return next.RoundTrip(r)
			}
			s, err := b.sync(t, dir, "gs://data", cache, nil)
			changed := new(transfer.ChangedError)
			if !errors.As(err, &changed) || changed.Name != "b" {
				t.Errorf("it returned %v", err)
			}
			if s == nil || len(s.Changes) != 2 || s.Changes[0].Name != "a" || s.Changes[1].Name != "c" {
				t.Errorf("the summary: %+v", s)
			}
		})
	}
}

// TestTwoSyncs runs two syncs at once to one bucket, and to one directory. Each file has the whole content of
// one of them, and no error is other than a conflict.
func TestTwoSyncs(t *testing.T) {
	b, dir := serve(t), t.TempDir()
	one, two := map[string]string{}, map[string]string{}
	for n := range 20 {
		one[fmt.Sprint(n)], two[fmt.Sprint(n)] = strings.Repeat("1", 1000+n), strings.Repeat("2", 1000+n)
	}
	write(t, filepath.Join(dir, "one"), one)
	write(t, filepath.Join(dir, "two"), two)
	both := func(to string, from ...string) {
		var group sync.WaitGroup
		for n, at := range from {
			group.Go(func() {
				_, err := b.sync(t, at, to, filepath.Join(dir, "cache", fmt.Sprint(n)), nil)
				if err != nil && !errors.As(err, new(*storage.ConflictError)) {
					t.Errorf("%s to %s: %v", at, to, err)
				}
			})
		}
		group.Wait()
	}
	check := func(got map[string]string) {
		if len(got) != len(one) {
			t.Errorf("there are %d files", len(got))
		}
		for name, text := range got {
			if text != one[name] && text != two[name] {
				t.Errorf("%s has %d bytes that nobody wrote", name, len(text))
			}
		}
	}
	both("gs://data/x", filepath.Join(dir, "one"), filepath.Join(dir, "two"))
	if _, err := b.sync(t, "gs://data/x", filepath.Join(dir, "x"), filepath.Join(dir, "cache", "x"), nil); err != nil {
		t.Fatal(err)
	}
	check(read(t, filepath.Join(dir, "x")))
	for _, name := range []string{"one", "two"} {
		if _, err := b.sync(t, filepath.Join(dir, name), "gs://other/"+name, filepath.Join(dir, "cache", "x"), nil); err != nil {
			t.Fatal(err)
		}
	}
	both(filepath.Join(dir, "y"), "gs://other/one", "gs://other/two")
	check(read(t, filepath.Join(dir, "y")))
	both(filepath.Join(dir, "z"), "gs://other/one", "gs://other/one")
	if _, err := b.sync(t, "gs://other/one", filepath.Join(dir, "z"), filepath.Join(dir, "cache", "x"), nil); err != nil {
		t.Fatal(err)
	}
	check(read(t, filepath.Join(dir, "z")))
}

// TestCreatedMeanwhile leaves a file of the target that another program creates while its content arrives.
func TestCreatedMeanwhile(t *testing.T) {
	b, dir := serve(t), t.TempDir()
	put(t, b, "a", "from the bucket")
	b.fault = func(_ int64, r *http.Request, next http.RoundTripper) (*http.Response, error) {
		if r.URL.Query().Get("alt") == "media" {
			write(t, dir, map[string]string{"a": "mine"})
		}
		return next.RoundTrip(r)
	}
	if s, err := b.sync(t, "gs://data", dir, t.TempDir(), nil); !errors.As(err, new(*storage.ConflictError)) || len(s.Changes) > 0 {
		t.Errorf("it returned %+v, %v", s, err)
	}
	equal(t, map[string]string{"a": "mine"}, read(t, dir))
}

// TestLeftovers removes parts of contents that nobody wants any more, and uploads that are too old.
func TestLeftovers(t *testing.T) {
	b, dir, cache := serve(t), t.TempDir(), t.TempDir()
	put(t, b, "d/a", "x")
	write(t, dir, map[string]string{"d/.part-gs-0123456789abcdef": "half"})
	write(t, cache, map[string]string{"upload-0123456789abcdef": "old"})
	if _, err := b.sync(t, "gs://data", dir, cache, nil); err != nil {
		t.Fatal(err)
	}
	equal(t, map[string]string{"d/a": "x"}, read(t, dir))
	if left, _ := filepath.Glob(filepath.Join(cache, "upload-*")); len(left) > 0 {
		t.Errorf("left %q", left)
	}
}

// TestModes keeps the permissions of a file, for its group and others, too.
func TestModes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such modes")
	}
	b, dir, back := serve(t), t.TempDir(), t.TempDir()
	write(t, dir, map[string]string{"shared": "x", "run": "x", "locked": "x"})
	for name, mode := range map[string]fs.FileMode{"shared": 0o664, "run": 0o777, "locked": 0o444} {
		if err := os.Chmod(filepath.Join(dir, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, pair := range [][2]string{{dir, "gs://data"}, {"gs://data", back}} {
		if _, err := b.sync(t, pair[0], pair[1], t.TempDir(), nil); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]fs.FileMode{"shared": 0o664, "run": 0o777, "locked": 0o644} {
		if info, err := os.Stat(filepath.Join(back, name)); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s has the mode %v, want %v: %v", name, info.Mode(), want, err)
		}
	}
}

// TestRefused checks mistakes that are found before any work: one error, and nothing written.
func TestRefused(t *testing.T) {
	b, dir := serve(t), t.TempDir()
	put(t, b, "kept/x", "x")
	b.fault = func(_ int64, r *http.Request, next http.RoundTripper) (*http.Response, error) {
		if r.Method != http.MethodGet {
			t.Errorf("it sent %s %s", r.Method, r.URL)
		}
		if strings.Contains(r.URL.Path, "/forbidden/") {
			body := io.NopCloser(strings.NewReader(`{"error": {"message": "it does not have storage.objects.list access"}}`))
			return &http.Response{StatusCode: http.StatusForbidden, Header: http.Header{}, Body: body, Request: r}, nil
		}
		return next.RoundTrip(r)
	}
	write(t, dir, map[string]string{"good": "x"})
	odd := t.TempDir()
	if runtime.GOOS != "windows" { // it has no such names
		write(t, odd, map[string]string{"good": "x", "line\nbreak": "x"})
	}
	for _, test := range []struct {
		from, to string
		exclude  []string
		says     string
	}{
		{dir, "gs://missing", nil, "there is no bucket gs://missing: create it"},
		{"gs://missing/x", filepath.Join(dir, "new"), nil, "there is no bucket gs://missing: create it"},
		{dir, "gs://forbidden", nil, "no access to gs://forbidden"},
		{odd, "gs://data", nil, "has a line break, which Cloud Storage refuses"},
		{dir, "gs://data/" + strings.Repeat("n", 1020), nil, "has 1025 bytes as a name in the bucket"},
		{dir, "gs://data", []string{"*.tmp", "[a"}, `"[a" is not a pattern`},
		{"gs://data/typo", dir, nil, `"gs://data/typo" has no objects: check the address`},
		{t.TempDir(), "gs://data/kept", nil, `has no files, and all 1 of`},
	} {
		if test.from == odd && runtime.GOOS == "windows" {
			continue
		}
		s, err := b.sync(t, test.from, test.to, t.TempDir(), func(o *transfer.Options) { o.Exclude, o.Delete = test.exclude, true })
		if err == nil || s != nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s to %.30s: %+v, %v; want %q", test.from, test.to, s, err, test.says)
		}
	}
	equal(t, map[string]string{"good": "x"}, read(t, dir))
}

// put writes an object.
func put(t *testing.T, b *buckets, name, text string) {
	t.Helper()
	u := storage.Upload{Bucket: "data", Name: name, Content: bytes.NewReader([]byte(text)), Size: int64(len(text)), CRC32C: crc(text)}
	if _, err := b.Upload(t.Context(), u); err != nil {
		t.Fatal(err)
	}
}
