package debian

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/blobcache"
	"github.com/slipway-ci/slipway/internal/debian/debiantest"
	"github.com/slipway-ci/slipway/internal/rootfs"
)

// readBase returns the base that has files.
func readBase(t *testing.T, files map[string]string) *Base {
	t.Helper()
	layer, err := rootfs.Read(bytes.NewReader(debiantest.Tar(t, files)))
	if err != nil {
		t.Fatal(err)
	}
	b, err := ReadBase(rootfs.Merge(layer), "amd64")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// resolveOn resolves packages from the apt sources of a base.
func resolveOn(ctx context.Context, f *Fetcher, base *Base, names []string, locked map[string]string, notice func(string)) ([]*Package, error) {
	from, err := base.Sources()
	if err != nil {
		return nil, err
	}
	return f.Resolve(ctx, base, from, names, locked, notice)
}

func newFetcher(t *testing.T) *Fetcher {
	return &Fetcher{Cache: blobcache.New(t.TempDir(), 1<<30), Now: func() time.Time { return debiantest.Now }, Pause: func(context.Context, time.Duration) error { return nil }}
}

var (
	libc  = debiantest.Deb{Name: "libc6", Version: "2.36-9"}
	libgl = debiantest.Deb{Name: "libgl1", Version: "1.6-1", Fields: map[string]string{"Depends": "libc6 (>= 2.34), libglvnd0", "Multi-Arch": "same"}, Compression: "xz",
		Files: map[string]string{"usr/lib/x86_64-linux-gnu/libGL.so.1.7": "GL", "usr/lib/x86_64-linux-gnu/libGL.so.1": "->libGL.so.1.7", "usr/share/doc/libgl1/copyright": "free"}}
	glvnd = debiantest.Deb{Name: "libglvnd0", Version: "1:1.6-1+b1", Compression: "zst", Files: map[string]string{"lib/x86_64-linux-gnu/libGLdispatch.so.0": "dispatch"}}
)

func TestRepository(t *testing.T) {
	t.Parallel()
	r := debiantest.New(t, debiantest.NewKey(t), libgl, glvnd)
	base := readBase(t, r.Base(t, r.Serve(t), libc))
	f := newFetcher(t)
	var said []string
	found, err := resolveOn(t.Context(), f, base, []string{"libgl1"}, nil, func(text string) { said = append(said, text) })
	if err != nil || len(found) != 2 || found[1].Version != "1:1.6-1+b1" || len(said) != 1 {
		t.Fatal(found, err, said)
	}
	last := Progress{}
	if err := f.Download(t.Context(), &Base{}, found, func(p Progress) { last = p }); err != nil || last.Packages != 2 || last.Bytes != last.BytesTotal {
		t.Error(err, last)
	}
	// Without the network, what was downloaded is there.
	before := r.Requests()
	if err := f.Download(t.Context(), &Base{}, found, nil); err != nil || r.Requests() != before {
		t.Error(err, r.Requests()-before)
	}
	// A cache that keeps nothing downloads again.
	f.Cache = blobcache.Cache{}
	file, err := f.Open(t.Context(), found[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(readDeb(file, func(map[string][]byte) error { return nil }, discard), file.Close()); err != nil {
		t.Error(err)
	}
}

// Whatever a repository does wrong is one clear error, and nothing is taken from it.
func TestFaults(t *testing.T) {
	t.Parallel()
	key, other := debiantest.NewKey(t), debiantest.NewKey(t)
	r := debiantest.New(t, key, libgl, glvnd)
	type fault func(w http.ResponseWriter, q *http.Request, next http.Handler)
	on := func(part string, f func(w http.ResponseWriter, body []byte)) fault {
		return func(w http.ResponseWriter, q *http.Request, next http.Handler) {
			if !strings.Contains(q.URL.Path, part) {
				next.ServeHTTP(w, q)
				return
			}
			answer := httptest.NewRecorder()
			next.ServeHTTP(answer, q)
			f(w, answer.Body.Bytes())
		}
	}
	status := func(part string, code int) fault {
		return on(part, func(w http.ResponseWriter, _ []byte) { w.WriteHeader(code) })
	}
	spoil := func(w http.ResponseWriter, body []byte) { body[len(body)/2] ^= 1; _, _ = w.Write(body) }
	cut := func(w http.ResponseWriter, body []byte) {
		w.Header().Set("Content-Length", "999999")
		_, _ = w.Write(body[:len(body)/2])
	}
	long := func(w http.ResponseWriter, body []byte) { _, _ = w.Write(append(body, "more"...)) }
	signed := func(by debiantest.Key, until time.Time) fault {
		bad := &debiantest.Repository{Key: by, Until: until}
		bad.Publish(t, libgl, glvnd)
		return func(w http.ResponseWriter, q *http.Request, _ http.Handler) { bad.ServeHTTP(w, q) }
	}
	future := func(by time.Duration) fault {
		bad := &debiantest.Repository{Key: key, At: debiantest.Now.Add(by), Until: debiantest.Now.AddDate(0, 0, 1)}
		bad.Publish(t, libgl, glvnd)
		return func(w http.ResponseWriter, q *http.Request, _ http.Handler) { bad.ServeHTTP(w, q) }
	}
	another := func(w http.ResponseWriter, q *http.Request, _ http.Handler) {
		bad := &debiantest.Repository{Key: key, Until: debiantest.Now.AddDate(0, 0, 1), Suite: "oldstable"}
		bad.Publish(t, libgl, glvnd)
		bad.ServeHTTP(w, q)
	}
	for name, c := range map[string]struct {
		fault fault
		want  string
	}{
		"refused":         {status("InRelease", 403), "responded with 403 Forbidden (the repository or a proxy before it refuses it; name a mirror"},
		"nothing there":   {status("Release", 404), "responded with 404 Not Found (check the apt sources and system-mirrors"},
		"down":            {status("InRelease", 503), "responded with 503 Service Unavailable (run it again later)"},
		"broken signed":   {on("InRelease", spoil), "is not trusted: "},
		"unknown key":     {signed(other, debiantest.Now.AddDate(0, 0, 1)), "is not trusted: it is signed by a key that is not among them (NO_PUBKEY)"},
		"expired":         {signed(key, debiantest.Now.AddDate(0, 0, -1)), "has expired: it was valid until Sat, 28 Feb 2026 12:00:00 UTC"},
		"of the future":   {future(time.Hour), "is not valid yet: it is of Sun, 01 Mar 2026 13:00:00 UTC: the index is of the future (the clock of this machine"},
		"another suite":   {another, "is that of another suite: oldstable (the mirror has a wrong index"},
		"broken index":    {on("by-hash", spoil), "hash mismatch for "},
		"index cut short": {on("by-hash", cut), "cannot be read: "},
		"broken package":  {on("libgl1", spoil), "hash mismatch for "},
		"package cut":     {on("libgl1", cut), "cannot be read: "},
		"longer package":  {on("libgl1", long), "hash mismatch for "},
		"package is gone": {status("libgl1", 404), "the repository does not have libgl1 1.6-1 any more: "},
		"package refused": {status("libgl1", 403), "responded with 403 Forbidden"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { c.fault(w, q, r) }))
		f := newFetcher(t)
		base := readBase(t, r.Base(t, server.URL, libc))
		found, err := resolveOn(t.Context(), f, base, []string{"libgl1"}, nil, nil)
		if err == nil {
			err = f.Download(t.Context(), &Base{}, found, nil)
		}
		server.Close()
		if failed := (*RepositoryError)(nil); !errors.As(err, &failed) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

// The time of an index may be a little ahead of this machine's clock, and more if the apt sources say so.
func TestTimes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		made    time.Duration // after now
		options string
		until   time.Duration
		fails   bool
	}{
		"now":                       {0, "", time.Hour, false},
		"a little ahead":            {9 * time.Second, "", time.Hour, false},
		"ahead":                     {time.Minute, "", time.Hour, true},
		"ahead, as allowed":         {time.Minute, "Date-Max-Future: 61\n", time.Hour, false},
		"ahead, and no clock":       {24 * time.Hour, "Check-Date: no\n", time.Hour, false},
		"out of date, and no clock": {0, "Check-Date: no\n", -time.Hour, false},
		"out of date, as allowed":   {0, "Check-Valid-Until: no\n", -time.Hour, false},
		"ahead, of any age":         {time.Minute, "Check-Valid-Until: no\n", time.Hour, true},
	} {
		r := &debiantest.Repository{Key: debiantest.NewKey(t), At: debiantest.Now.Add(c.made), Until: debiantest.Now.Add(c.until)}
		r.Publish(t, libgl, glvnd)
		files := r.Base(t, r.Serve(t), libc)
		files["etc/apt/sources.list.d/test.sources"] += c.options
		if _, err := resolveOn(t.Context(), newFetcher(t), readBase(t, files), []string{"libgl1"}, nil, nil); (err != nil) != c.fails {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A repository that fails for a while, or stalls, is asked again, and one that asks to wait is waited for.
func TestRetries(t *testing.T) {
	t.Parallel()
	r := debiantest.New(t, debiantest.NewKey(t), libgl, glvnd)
	var requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if n := requests.Add(1); n%2 == 1 {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		r.ServeHTTP(w, q)
	}))
	defer server.Close()
	f := newFetcher(t)
	var longest atomic.Int64
	f.Pause = func(_ context.Context, d time.Duration) error {
		longest.Store(max(longest.Load(), int64(d)))
		return nil
	}
	found, err := resolveOn(t.Context(), f, readBase(t, r.Base(t, server.URL, libc)), []string{"libgl1"}, nil, nil)
	if err == nil {
		err = f.Download(t.Context(), &Base{}, found, nil)
	}
	if err != nil || time.Duration(longest.Load()) != 7*time.Second {
		t.Error(err, time.Duration(longest.Load()))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := resolveOn(ctx, f, readBase(t, r.Base(t, server.URL, libc)), []string{"libgl1"}, nil, nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestMirrors(t *testing.T) {
	t.Parallel()
	r := debiantest.New(t, debiantest.NewKey(t), libgl, glvnd)
	f := newFetcher(t)
	f.Mirrors = map[string]string{"http://debian.invalid/": "http://no.invalid", "http://debian.invalid/debian": r.Serve(t) + "/"}
	found, err := resolveOn(t.Context(), f, readBase(t, r.Base(t, "http://debian.invalid/debian", libc)), []string{"libgl1"}, nil, nil)
	if err == nil {
		err = f.Download(t.Context(), &Base{}, found, nil)
	}
	if err != nil || found[0].URL != "http://debian.invalid/debian/pool/main/libgl1_1.6-1_amd64.deb" {
		t.Error(err, found)
	}
}

// A keyring that the sources name has to be in the base, and other keys do not count.
func TestKeyrings(t *testing.T) {
	t.Parallel()
	r := debiantest.New(t, debiantest.NewKey(t), libgl, glvnd)
	address := r.Serve(t)
	for name, c := range map[string]struct {
		change func(files map[string]string)
		want   string
	}{
		"no keyring": {func(f map[string]string) { delete(f, "usr/share/keyrings/test.gpg") }, "the keyring /usr/share/keyrings/test.gpg, which /etc/apt/sources.list.d/test.sources names, is not there"},
		"broken":     {func(f map[string]string) { f["usr/share/keyrings/test.gpg"] = "\x99no key" }, "cannot be read"},
		"not named": {func(f map[string]string) {
			f["etc/apt/sources.list.d/test.sources"] = "Types: deb\nURIs: " + address + "\nSuites: stable\nComponents: main\n"
		}, "is not trusted"},
		"trusted=yes": {func(f map[string]string) {
			delete(f, "etc/apt/sources.list.d/test.sources")
			f["etc/apt/sources.list.d/test.list"] = "deb [trusted=yes] " + address + " stable main\n"
		}, "is not trusted"},
		"Trusted: yes": {func(f map[string]string) {
			f["etc/apt/sources.list.d/test.sources"] = "Types: deb\nURIs: " + address + "\nSuites: stable\nComponents: main\nTrusted: yes\nAllow-Insecure: yes\n"
		}, "is not trusted"},
		"trusted by all": {func(f map[string]string) {
			f["etc/apt/sources.list.d/test.sources"] = "Types: deb\nURIs: " + address + "\nSuites: stable\nComponents: main\n"
			f["etc/apt/trusted.gpg.d/test.gpg"] = f["usr/share/keyrings/test.gpg"]
		}, ""},
		"a link": {func(f map[string]string) {
			f["usr/share/keyrings/real.gpg"] = f["usr/share/keyrings/test.gpg"]
			f["usr/share/keyrings/test.gpg"] = "->real.gpg"
		}, ""},
	} {
		files := r.Base(t, address, libc)
		c.change(files)
		_, err := resolveOn(t.Context(), newFetcher(t), readBase(t, files), []string{"libgl1"}, nil, nil)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

// The keys of the base that the tests of Python use are read. It has them as Debian has them.
func TestKeysOfDebian(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("/usr/share/keyrings/debian-archive-keyring.gpg")
	if err != nil {
		t.Skip("debian-archive-keyring is not installed here")
	}
	if keys, err := readKeys(text); err != nil || len(keys) < 3 {
		t.Error(len(keys), err)
	}
}
