package transfer_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	server "github.com/slipway-ci/slipway/internal/sandbox/storage"
	"github.com/slipway-ci/slipway/internal/storage"
	"github.com/slipway-ci/slipway/internal/testenv"
	"github.com/slipway-ci/slipway/internal/transfer"
)

// buckets is a server with the buckets data and other, and a client whose requests fault can break.
type buckets struct {
	*storage.Client
	requests atomic.Int64
	fault    func(n int64, r *http.Request, next http.RoundTripper) (*http.Response, error)
}

// RoundTrip implements http.RoundTripper.
func (b *buckets) RoundTrip(r *http.Request) (*http.Response, error) {
	n := b.requests.Add(1)
	if b.fault != nil {
		return b.fault(n, r, http.DefaultTransport)
	}
	return http.DefaultTransport.RoundTrip(r)
}

func serve(t *testing.T) *buckets {
	t.Helper()
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	s, err := server.New(t.TempDir(), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	listening := httptest.NewServer(s)
	t.Cleanup(listening.Close)
	return connect(t, listening.URL)
}

// connectFake returns the buckets of fake-gcs-server.
func connectFake(t *testing.T) *buckets {
	t.Helper()
	address := testenv.CloudStorage(t)
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	return connect(t, address)
}

// connect creates the buckets on a server.
func connect(t *testing.T, address string) *buckets {
	t.Helper()
	b := &buckets{}
	b.Client = &storage.Client{Address: address, Transport: b, Pause: func(context.Context, time.Duration) error { return nil }}
	for _, name := range []string{"data", "other"} {
		if err := b.CreateBucket(t.Context(), name, ""); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func place(t *testing.T, text string) transfer.Place {
	t.Helper()
	p, err := transfer.ParsePlace(text, func(s string) string { return s })
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (b *buckets) sync(t *testing.T, from, to, cache string, change func(*transfer.Options)) (*transfer.Summary, error) {
	t.Helper()
	o := transfer.Options{From: place(t, from), To: place(t, to), Client: b.Client, CacheDir: cache, Skipped: func(string, string) {}}
	if change != nil {
		change(&o)
	}
	return transfer.Sync(t.Context(), o)
}

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o640)); err != nil {
			t.Fatal(err)
		}
		old := time.Unix(1700000000, 0)
		if err := os.Chtimes(path, old, old); err != nil {
			t.Fatal(err)
		}
	}
}

func read(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		files[filepath.ToSlash(name)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func equal(t *testing.T, a, b map[string]string) {
	t.Helper()
	if len(a) != len(b) {
		t.Errorf("%d files, want %d", len(b), len(a))
	}
	for name, text := range a {
		if b[name] != text {
			t.Errorf("%q has %d bytes, want %d", name, len(b[name]), len(text))
		}
	}
}

func tree() map[string]string {
	big := make([]byte, 3<<20)
	_, _ = rand.Read(big)
	return map[string]string{
		"a.txt": "one", "empty": "", "dir/b c.txt": "two", "dir/ünïcode ✓.txt": "three", "dir/..x/...": "dots", "100%2F#?&.txt": "signs",
		"deep/" + strings.Repeat("d", 200) + "/" + strings.Repeat("e", 200): "long", "big": string(big),
	}
}

// TestSync copies a tree to a bucket, to another bucket, and back. All is equal, with its time and mode. A
// second sync copies nothing.
func TestSync(t *testing.T) { checkSync(t, serve(t)) }

// TestSyncWithFake does the same with fake-gcs-server.
func TestSyncWithFake(t *testing.T) {
	checkSync(t, connectFake(t))
}

func checkSync(t *testing.T, b *buckets) {
	t.Helper()
	dir, cache := t.TempDir(), t.TempDir()
	from, back := filepath.Join(dir, "from"), filepath.Join(dir, "back")
	want := tree()
	write(t, from, want)
	for range 2 {
		for _, pair := range [][2]string{{from, "gs://data/raw"}, {"gs://data/raw/", "gs://other"}, {"gs://other", back}} {
			if _, err := b.sync(t, pair[0], pair[1], cache, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	equal(t, want, read(t, back))
	info, err := os.Stat(filepath.Join(back, "a.txt"))
	if err != nil || !info.ModTime().Equal(time.Unix(1700000000, 0)) || info.Mode().Perm() != 0o640 {
		t.Errorf("the copy has %v %v, %v", info.ModTime(), info.Mode(), err)
	}
	for _, pair := range [][2]string{{from, "gs://data/raw"}, {"gs://data/raw", "gs://other"}, {"gs://other", back}} {
		before := b.requests.Load()
		s, err := b.sync(t, pair[0], pair[1], cache, nil)
		if err != nil || len(s.Changes) > 0 || s.Unchanged != len(want) {
			t.Errorf("%s again: %v, %v", pair[0], s, err)
		}
		if n := b.requests.Load() - before; n > 2 {
			t.Errorf("%s again: %d requests", pair[0], n)
		}
	}
	// The same size and time, and another content.
	write(t, from, map[string]string{"a.txt": "eno"})
	if s, err := b.sync(t, from, "gs://data/raw", cache, nil); err != nil || len(s.Changes) != 1 {
		t.Errorf("a change that keeps size and time: %v, %v", s, err)
	}
}

// TestDelete deletes only what is asked for, and not what is excluded. A dry run changes nothing.
func TestDelete(t *testing.T) {
	b, dir, cache := serve(t), t.TempDir(), t.TempDir()
	write(t, dir, map[string]string{"keep": "1", "gone": "2", "x.tmp": "3"})
	if _, err := b.sync(t, dir, "gs://data", cache, nil); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"gone", "x.tmp"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, dry := range []bool{true, false} {
		s, err := b.sync(t, dir, "gs://data", cache, func(o *transfer.Options) { o.Delete, o.Exclude, o.DryRun = true, []string{"*.tmp"}, dry })
		if err != nil || len(s.Changes) != 1 || s.Changes[0].Name != "gone" {
			t.Errorf("dry run %t: %v, %v", dry, s, err)
		}
	}
	back := t.TempDir()
	write(t, back, map[string]string{"mine": "4"})
	if _, err := b.sync(t, "gs://data", back, cache, func(o *transfer.Options) { o.Delete = true }); err != nil {
		t.Fatal(err)
	}
	equal(t, map[string]string{"keep": "1", "x.tmp": "3"}, read(t, back))
}

// TestFaults breaks requests in each of Google's ways. All content arrives, and each byte is reported once.
func TestFaults(t *testing.T) {
	status := func(r *http.Request) *http.Response {
		return &http.Response{StatusCode: 503, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("later")), Request: r}
	}
	cut := func(body io.ReadCloser) io.ReadCloser {
		return struct {
			io.Reader
			io.Closer
		}{io.MultiReader(io.LimitReader(body, 100<<10), broken{}), body}
	}
	for name, fault := range map[string]func(int64, *http.Request, http.RoundTripper) (*http.Response, error){
		"503": func(n int64, r *http.Request, next http.RoundTripper) (*http.Response, error) {
			if n%3 == 0 {
				return status(r), nil
			}
			return next.RoundTrip(r)
		},
		"reset before": func(n int64, r *http.Request, next http.RoundTripper) (*http.Response, error) {
			if n%3 == 0 {
				return nil, io.ErrUnexpectedEOF
			}
			return next.RoundTrip(r)
		},
		"answer lost": func(n int64, r *http.Request, next http.RoundTripper) (*http.Response, error) {
			response, err := next.RoundTrip(r)
			if n%3 == 0 && err == nil {
				_ = response.Body.Close()
				return nil, io.ErrUnexpectedEOF
			}
			return response, err
		},
		"body cut": func(n int64, r *http.Request, next http.RoundTripper) (*http.Response, error) {
			if r.Body != nil && n%2 == 0 && r.ContentLength > 1<<20 {
				r = r.Clone(r.Context())
				r.Body = cut(r.Body)
			}
			response, err := next.RoundTrip(r)
			if err == nil && n%2 == 0 {
				response.Body = cut(response.Body)
			}
			return response, err
		},
	} {
		t.Run(name, func(t *testing.T) {
			b, dir, cache := serve(t), t.TempDir(), t.TempDir()
			want := tree()
			write(t, filepath.Join(dir, "from"), want)
			var mu sync.Mutex // one request after the other, so that each second one of a file may fail
			b.fault = func(n int64, r *http.Request, next http.RoundTripper) (*http.Response, error) {
				mu.Lock()
				defer mu.Unlock()
				return fault(n, r, next)
			}
			for _, pair := range [][2]string{{filepath.Join(dir, "from"), "gs://data"}, {"gs://data", "gs://other/x"}, {"gs://other/x", filepath.Join(dir, "back")}} {
				err := errors.New("not tried")
				for n := 0; n < 5 && err != nil; n++ { // a file may have all its failures in a row
					var now transfer.Progress
					_, err = b.sync(t, pair[0], pair[1], cache, func(o *transfer.Options) { o.Progress = func(p transfer.Progress) { now = p } })
					if now.Bytes > now.BytesTotal || err == nil && now.Bytes != now.BytesTotal {
						t.Errorf("to %s: %+v is reported, %v", pair[1], now, err)
					}
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			equal(t, want, read(t, filepath.Join(dir, "back")))
			few := t.TempDir()
			write(t, few, map[string]string{"only": "this"})
			if _, err := b.sync(t, few, "gs://data", cache, func(o *transfer.Options) { o.Delete = true }); err != nil {
				t.Errorf("delete: %v", err)
			}
		})
	}
}

// broken is the rest of a connection that broke.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// TestNames refuses names that would leave the directory, or that are two things at once, before anything
// is written.
func TestNames(t *testing.T) {
	for _, names := range [][]string{{"../out"}, {"/etc/passwd"}, {"a//b"}, {"a/../../b"}, {"a/./b"}, {"a", "a/b"}, {strings.Repeat("n", 300)}} {
		b, cache, dir := serve(t), t.TempDir(), filepath.Join(t.TempDir(), "in", "here")
		for _, name := range append(names, "good") {
			u := storage.Upload{Bucket: "data", Name: name, Content: bytes.NewReader(nil)}
			if _, err := b.Upload(t.Context(), u); err != nil {
				t.Fatal(err)
			}
		}
		_, err := b.sync(t, "gs://data", dir, cache, nil)
		if bad := new(transfer.NameError); !errors.As(err, &bad) {
			t.Errorf("%q: %v", names, err)
		}
		if got := read(t, filepath.Dir(filepath.Dir(dir))); len(got) > 0 {
			t.Errorf("%q: wrote %v", names, got)
		}
	}
	for _, text := range []string{"gs://", "gs://A", "gs://ab", "gs://-abc", "s3://abc", "", "gs://abc/" + strings.Repeat("n", 1025), "gs://abc/a\nb"} {
		if _, err := transfer.ParsePlace(text, func(s string) string { return s }); !errors.As(err, new(*transfer.NameError)) {
			t.Errorf("%q: %v", text, err)
		}
	}
	b, outside, dir := serve(t), t.TempDir(), t.TempDir()
	if _, err := b.Upload(t.Context(), storage.Upload{Bucket: "data", Name: "link/x", Content: bytes.NewReader(nil)}); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "link")); err != nil {
		t.Skip(err)
	}
	if _, err := b.sync(t, "gs://data", dir, t.TempDir(), nil); err == nil || len(read(t, outside)) > 0 {
		t.Errorf("wrote through a link: %v", err)
	}
}

// TestConflict leaves what another program wrote after the list.
func TestConflict(t *testing.T) {
	b, dir, cache := serve(t), t.TempDir(), t.TempDir()
	write(t, dir, map[string]string{"a": "mine"})
	var once sync.Once
	b.fault = func(_ int64, r *http.Request, next http.RoundTripper) (*http.Response, error) {
		if r.Method == http.MethodPost {
			once.Do(func() {
				theirs := storage.Upload{Bucket: "data", Name: "a", Content: strings.NewReader("theirs"), Size: 6, CRC32C: crc("theirs")}
				direct := *b.Client
				direct.Transport = next
				if _, err := direct.Upload(t.Context(), theirs); err != nil {
					t.Error(err)
				}
			})
		}
		return next.RoundTrip(r)
	}
	if _, err := b.sync(t, dir, "gs://data", cache, nil); !errors.As(err, new(*storage.ConflictError)) {
		t.Errorf("two writers: %v", err)
	}
	var got bytes.Buffer
	if err := transfer.Cat(t.Context(), b.Client, place(t, "gs://data/a"), &got); err != nil || got.String() != "theirs" {
		t.Errorf("the object has %q, %v", got.String(), err)
	}
	if _, err := b.sync(t, dir, "gs://missing", cache, nil); !storage.Is(err, 404) {
		t.Errorf("a bucket that is not there: %v", err)
	}
}

func crc(text string) uint32 {
	h := storage.NewCRC32C()
	_, _ = h.Write([]byte(text))
	return h.Sum32()
}
