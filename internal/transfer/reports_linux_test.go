package transfer_test

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/slipway-ci/slipway/internal/storage"
	"github.com/slipway-ci/slipway/internal/transfer"
)

// TestDeleteOfBrokenList has a list of the source that breaks off at its second page. Nothing is copied or deleted.
func TestDeleteOfBrokenList(t *testing.T) {
	b, dir := serve(t), t.TempDir()
	put(t, b, "a", "a")
	write(t, dir, map[string]string{"kept": "mine"})
	b.fault = func(_ int64, r *http.Request, next http.RoundTripper) (*http.Response, error) {
		answer := `{"items": [{"bucket": "data", "name": "a", "generation": "1", "size": "1"}], "nextPageToken": "next"}`
		if r.URL.Query().Get("pageToken") != "" {
			return &http.Response{StatusCode: http.StatusBadGateway, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("")), Request: r}, nil
		}
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(answer)), Request: r}, nil
	}
	_, err := b.sync(t, "gs://data", dir, t.TempDir(), func(o *transfer.Options) { o.Delete = true })
	if !storage.Is(err, http.StatusBadGateway) {
		t.Errorf("it returned %v", err)
	}
	equal(t, map[string]string{"kept": "mine"}, read(t, dir))
}

// TestNeighbours syncs to a prefix with which other names begin, too, and leaves those, and what is in an excluded
// directory.
func TestNeighbours(t *testing.T) {
	b, dir := serve(t), t.TempDir()
	for _, name := range []string{"ab", "ab/x", "a", "a/old", "a/logs/x", "a/deep/logs/x"} {
		put(t, b, name, "x")
	}
	write(t, dir, map[string]string{"new": "new"})
	s, err := b.sync(t, dir, "gs://data/a", t.TempDir(), func(o *transfer.Options) { o.Delete, o.Exclude = true, []string{"**/logs"} })
	if err != nil || len(s.Changes) != 2 || s.Changes[0].Name != "new" || s.Changes[1].Name != "old" || !s.Changes[1].Delete {
		t.Errorf("%+v, %v", s, err)
	}
}

// TestObjectsChanging deletes or replaces an object before or in the middle of its download. It is named, and all others
// are copied; never is there a mixture of both contents.
func TestObjectsChanging(t *testing.T) {
	big := strings.Repeat("old", 1<<20)
	for name, change := range map[string]func(*buckets){
		"vanishes": func(b *buckets) { remove(t, b, "b") },
		"changes":  func(b *buckets) { remove(t, b, "b"); put(t, b, "b", strings.Repeat("new", 1<<20)) },
	} {
		for _, half := range []bool{false, true} {
			b, dir := serve(t), t.TempDir()
			put(t, b, "a", "a")
			put(t, b, "b", big)
			put(t, b, "c", "c")
			direct := &buckets{Client: &storage.Client{Address: b.Address, Transport: http.DefaultTransport, Pause: b.Pause}}
			var once sync.Once
			b.fault = func(_ int64, r *http.Request, next http.RoundTripper) (*http.Response, error) {
				if !strings.HasSuffix(r.URL.Path, "/o/b") || r.URL.Query().Get("alt") != "media" {
					return next.RoundTrip(r)
				}
				response, err := next.RoundTrip(r)
				once.Do(func() {
					if !half {
						_ = response.Body.Close()
						change(direct)
						response, err = next.RoundTrip(r)
						return
					}
					some := make([]byte, 1<<20)
					_, err = io.ReadFull(response.Body, some)
					_ = response.Body.Close()
					response.Body = io.NopCloser(io.MultiReader(strings.NewReader(string(some)), broken{}))
					change(direct)
				})
				return response, err
			}
			s, err := b.sync(t, "gs://data", dir, t.TempDir(), nil)
			if !errors.As(err, new(*storage.ConflictError)) || !strings.Contains(err.Error(), "gs://data/b was changed") || s == nil || len(s.Changes) != 2 {
				t.Errorf("%s, half of it sent %t: %+v, %v", name, half, s, err)
			}
			if _, err := b.sync(t, "gs://data", dir, t.TempDir(), nil); err != nil {
				t.Errorf("%s, again: %v", name, err)
			}
			want := map[string]string{"a": "a", "c": "c"}
			if name == "changes" {
				want["b"] = strings.Repeat("new", 1<<20)
			}
			equal(t, want, read(t, dir))
		}
	}
}

func remove(t *testing.T, b *buckets, name string) {
	t.Helper()
	o, err := b.Stat(t.Context(), "data", name)
	if err == nil {
		err = b.Delete(t.Context(), o)
	}
	if err != nil {
		t.Error(err)
	}
}

// TestNoFiles has what is no file in a directory: it is named, and all others are copied.
func TestNoFiles(t *testing.T) {
	b, dir := serve(t), t.TempDir()
	files := map[string]string{"a": "a", "d/b": "b", "\u00e9": "composed", "e\u0301": "decomposed"}
	write(t, dir, files)
	at := func(name string) string { return filepath.Join(dir, name) }
	socket, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err == nil {
		t.Cleanup(func() { _ = unix.Close(socket) })
		t.Chdir(dir) // the name of a socket must be short
		err = unix.Bind(socket, &unix.SockaddrUnix{Name: "socket"})
	}
	err = errors.Join(err, syscall.Mkfifo(at("pipe"), 0o600), os.Symlink("loop2", at("loop1")), os.Symlink("loop1", at("loop2")), os.Symlink(".", at("d/self")),
		os.Symlink("..", at("d/up")), os.Symlink("/etc/passwd", at("out")), os.Symlink("nowhere", at("broken")))
	if err != nil {
		t.Fatal(err)
	}
	left := map[string]bool{}
	if _, err := b.sync(t, dir, "gs://data", t.TempDir(), func(o *transfer.Options) { o.Skipped = func(name, _ string) { left[name] = true } }); err != nil {
		t.Error(err)
	}
	if got, want := slices.Sorted(maps.Keys(left)), []string{"broken", "d/self", "d/up", "loop1", "loop2", "out", "pipe", "socket"}; !slices.Equal(got, want) {
		t.Errorf("left out are %q, want %q", got, want)
	}
	back := t.TempDir()
	if _, err := b.sync(t, "gs://data", back, t.TempDir(), nil); err != nil {
		t.Error(err)
	}
	equal(t, files, read(t, back))
}

// TestUnreadable has a directory that may not be read. That is an error with its name, and nothing is deleted that
// could be in it.
func TestUnreadable(t *testing.T) {
	b, dir := serve(t), t.TempDir()
	put(t, b, "d/x", "the copy of another day")
	put(t, b, "old", "old")
	write(t, dir, map[string]string{"d/x": "x"})
	at := filepath.Join(dir, "d")
	if err := os.Chmod(at, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(at, 0o700) }) //nolint:gosec // G302: a directory
	withoutRights(t, func() {
		_, err := b.sync(t, dir, "gs://data", t.TempDir(), func(o *transfer.Options) { o.Delete = true })
		if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), " d: ") {
			t.Error(err)
		}
	})
	for _, kept := range []string{"d/x", "old"} {
		if _, err := b.Stat(t.Context(), "data", kept); err != nil {
			t.Errorf("%s is gone: %v", kept, err)
		}
	}
}

// withoutRights calls do in a thread that may not read what root alone may.
func withoutRights(t *testing.T, do func()) {
	t.Helper()
	done := make(chan error)
	go func() { //nolint:gocritic // the thread ends with the goroutine
		runtime.LockOSThread()
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var rights [2]unix.CapUserData
		err := unix.Capget(&header, &rights[0])
		if err == nil {
			rights[0].Effective &^= 1<<unix.CAP_DAC_OVERRIDE | 1<<unix.CAP_DAC_READ_SEARCH
			err = unix.Capset(&header, &rights[0])
		}
		if err == nil {
			do()
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// TestOddMetadata downloads objects whose time and mode are no such things, as programs of others write them.
func TestOddMetadata(t *testing.T) {
	b, dir := serve(t), t.TempDir()
	want := map[string]string{}
	for n, value := range []string{"", "x", "-1", "0", "1e9", "99999999999", "999999999999999999", "-999999999999999999", "9999999999999999999999"} {
		name := string(rune('a' + n))
		want[name] = value
		u := storage.Upload{Bucket: "data", Name: name, Content: strings.NewReader(value), Size: int64(len(value)), CRC32C: crc(value),
			Metadata: map[string]string{"goog-reserved-file-mtime": value, "goog-reserved-posix-mode": value}}
		if _, err := b.Upload(t.Context(), u); err != nil {
			t.Fatal(err)
		}
	}
	for _, changes := range []int{len(want), 0} {
		if s, err := b.sync(t, "gs://data", dir, t.TempDir(), nil); err != nil || len(s.Changes) != changes {
			t.Errorf("%+v, %v", s, err)
		}
	}
	equal(t, want, read(t, dir))
}

// TestKinds has a name that is a file in one place and a directory in the other. That is an error before anything is
// done, also with --delete, and nothing is lost.
func TestKinds(t *testing.T) {
	for _, test := range []struct{ name, mine, says string }{
		{"a/b", "a", `"a" is a directory in `},
		{"a/b/c/d", "a/b", `"a/b" is a directory in `},
		{"a", "a/b", `"a" is a file in `},
	} {
		refused := func(err error) {
			t.Helper()
			if !errors.As(err, new(*transfer.NameError)) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%s: %v", test.name, err)
			}
		}
		b, dir := serve(t), t.TempDir()
		put(t, b, test.name, "theirs")
		put(t, b, "0", "theirs")
		write(t, dir, map[string]string{test.mine: "mine"})
		_, err := b.sync(t, "gs://data", dir, t.TempDir(), func(o *transfer.Options) { o.Delete = true })
		refused(err)
		equal(t, map[string]string{test.mine: "mine"}, read(t, dir))

		volume, dir, in, _ := byShell(t, shells(t)["sh"])
		raw := filepath.Join(volume, "raw")
		write(t, dir, map[string]string{test.name: "theirs", "0": "theirs"})
		write(t, raw, map[string]string{test.mine: "mine"})
		_, err = in()
		refused(err)
		equal(t, map[string]string{test.mine: "mine"}, read(t, raw))
	}
	b, dir := serve(t), t.TempDir()
	write(t, dir, map[string]string{".well-known/acme-challenge/token": "x"})
	if _, err := b.sync(t, dir, "gs://data", t.TempDir(), nil); err == nil || !strings.Contains(err.Error(), "is a name that Cloud Storage refuses") {
		t.Errorf("a name of Google's: %v", err)
	}
}
