package wheel

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-ci/slipway/internal/source"
)

// fakeIndex is a fake package index.
type fakeIndex struct {
	*httptest.Server
	// html reports whether the index serves only the HTML form of its pages.
	html bool
	// act is called with each request, and reports whether it has answered it.
	act func(w http.ResponseWriter, r *http.Request) bool

	files map[string][]byte
	mu    sync.Mutex
	log   []string
}

func newFakeIndex(t testing.TB, recipes ...recipe) *fakeIndex {
	t.Helper()
	p := &fakeIndex{files: map[string][]byte{}}
	for _, r := range recipes {
		file, text := r.make(t)
		p.files[file] = text
	}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

func (p *fakeIndex) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.log = append(p.log, strings.TrimSpace(r.URL.Path+" "+r.Header.Get("Range")))
	p.mu.Unlock()
	if p.act != nil && p.act(w, r) {
		return
	}
	if file, ok := strings.CutPrefix(r.URL.Path, "/files/"); ok && p.files[file] != nil {
		http.ServeContent(w, r, file, time.Time{}, bytes.NewReader(p.files[file]))
		return
	}
	project, ok := strings.CutPrefix(r.URL.Path, "/simple/")
	var page []map[string]any
	links := "<!DOCTYPE html><html><body>\n"
	for file, text := range p.files {
		n, _ := parseFilename(file)
		if !ok || n.name+"/" != project {
			continue
		}
		sum := sha256.Sum256(text)
		page = append(page, map[string]any{"filename": file, "url": "../../files/" + file, "hashes": map[string]string{"sha256": hex.EncodeToString(sum[:])}, "size": len(text), "requires-python": ">=3.8", "yanked": false})
		links += fmt.Sprintf("<a href=\"../../files/%s#sha256=%x\" data-requires-python=\"&gt;=3.8\">%s</a><br/>\n", file, sum, file)
	}
	switch {
	case page == nil:
		http.NotFound(w, r)
	case p.html:
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(links))
	default:
		w.Header().Set("Content-Type", "application/vnd.pypi.simple.v1+json")
		_ = json.NewEncoder(w).Encode(map[string]any{"meta": map[string]string{"api-version": "1.1"}, "files": page})
	}
}

func (p *fakeIndex) requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Sorted(slices.Values(p.log))
}

// spec returns a spec for a machine that has neither pip nor uv. Its lock has all files of
// the index, which a variable names.
func (p *fakeIndex) spec(t testing.TB) Spec {
	t.Helper()
	s := Spec{Name: "train", Dir: t.TempDir(), Lock: "lock.txt", Python: "3.11", CacheDir: t.TempDir(), Environ: []string{"HOME=" + t.TempDir(), "PIP_CONFIG_FILE=" + os.DevNull, "PIP_INDEX_URL=" + p.URL + "/simple"},
		Pause: func(context.Context, time.Duration) error { return nil }}
	lock := map[string]string{}
	for file, text := range p.files {
		n, _ := parseFilename(file)
		lock[n.name+"=="+n.version] += fmt.Sprintf(" --hash=sha256:%x", sha256.Sum256(text))
	}
	text := ""
	for _, name := range slices.Sorted(func(yield func(string) bool) {
		for name := range lock {
			if !yield(name) {
				return
			}
		}
	}) {
		text += name + lock[name] + "\n"
	}
	write(t, s.Dir, s.Lock, text)
	return s
}

func filenames(env *Environment) []string {
	var all []string
	for _, p := range env.Packages {
		all = append(all, p.Filename)
	}
	return all
}

// A lock that has only hashes needs no program: the index says which file has which hash,
// and among several files pip's order decides.
func TestWheelsOfAnIndex(t *testing.T) {
	t.Parallel()
	recipes := []recipe{{name: "a", version: "1.0"}, {name: "B.b", version: "2", tags: "cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64"}, {name: "B.b", version: "2", tags: "cp311-cp311-manylinux_2_28_x86_64"},
		{name: "B.b", version: "2", tags: "cp310-abi3-manylinux_2_28_x86_64"}, {name: "B.b", version: "2"}, {name: "B.b", version: "2", tags: "cp311-cp311-win_amd64"}}
	for _, html := range []bool{false, true} {
		p := newFakeIndex(t, recipes...)
		p.html = html
		var told []string
		var mu sync.Mutex
		s := p.spec(t)
		s.Progress = func(text string) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, strings.ReplaceAll(text, p.URL, "URL"))
		}
		env, err := Resolve(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"a-1.0-py3-none-any.whl", "B.b-2-cp311-cp311-manylinux_2_28_x86_64.whl"}
		if diff := cmp.Diff(want, filenames(env)); diff != "" {
			t.Errorf("html %v: %s", html, diff)
		}
		slices.Sort(told)
		if len(told) != 3 || !strings.HasPrefix(told[0], "downloading package 1 of 2: ") || told[2] != "looking up 2 packages on the index URL/simple" {
			t.Errorf("told %q", told)
		}
		if left, err := os.ReadDir(filepath.Join(s.CacheDir, "partial")); err != nil || len(left) != 0 {
			t.Errorf("%v is left, %v", left, err)
		}
		p.Close() // all files are in the cache now
		if _, err := Resolve(t.Context(), s); err != nil {
			t.Error(err)
		}
	}
}

// For a lock with URLs only its files are requested, unless the user names an index.
func TestWheelsByURL(t *testing.T) {
	t.Parallel()
	p := newFakeIndex(t, recipe{name: "a", version: "1"})
	s := p.spec(t)
	file := "a-1-py3-none-any.whl"
	s.Lock = "pylock.toml"
	write(t, s.Dir, s.Lock, fmt.Sprintf("lock-version = \"1.0\"\n[[packages]]\nname = \"a\"\nversion = \"1\"\nwheels = [{ url = \"%s/files/%s\", size = %d, hashes = { sha256 = \"%x\" } }]\n", p.URL, file, len(p.files[file]), sha256.Sum256(p.files[file])))
	for _, c := range []struct {
		more string
		want []string
	}{
		{"PIP_INDEX_URL=", []string{"/files/" + file}},
		{"PIP_INDEX_URL=" + p.URL + "/simple/", []string{"/files/" + file, "/simple/a/"}},
		{"UV_DEFAULT_INDEX=" + p.URL + "/simple/", []string{"/files/" + file, "/simple/a/"}},
	} {
		p.log = nil
		fresh := s
		fresh.CacheDir, fresh.Environ = t.TempDir(), []string{"PIP_CONFIG_FILE=" + os.DevNull, c.more}
		if _, err := Resolve(t.Context(), fresh); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, p.requests()); diff != "" {
			t.Errorf("%s: %s", c.more, diff)
		}
	}
}

// An interrupted download is resumed. If the server does not support that, it begins again.
func TestInterruptedDownloads(t *testing.T) {
	t.Parallel()
	const file = "a-1-py3-none-any.whl"
	for what, c := range map[string]struct {
		ranges bool
		want   []string
	}{
		"goes on": {true, []string{"/files/" + file, "/files/" + file + " bytes=100-", "/simple/a/"}},
		"anew":    {false, []string{"/files/" + file, "/files/" + file + " bytes=100-", "/simple/a/"}},
	} {
		p := newFakeIndex(t, recipe{name: "a", version: "1", files: map[string]string{"a.py": "print(1)"}})
		broken := false
		p.act = func(w http.ResponseWriter, r *http.Request) bool {
			switch {
			case !strings.HasPrefix(r.URL.Path, "/files/"):
				return false
			case !broken:
				broken = true
				w.Header().Set("Content-Length", fmt.Sprint(len(p.files[file])))
				_, _ = w.Write(p.files[file][:100])
				return true
			case !c.ranges:
				_, _ = w.Write(p.files[file])
				return true
			}
			return false
		}
		if _, err := Resolve(t.Context(), p.spec(t)); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if diff := cmp.Diff(c.want, p.requests()); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
}

// If an index says when to retry, the download waits, and says so. An index that keeps
// refusing is named in the error, and pip does not ask it again.
func TestBusyIndex(t *testing.T) {
	t.Parallel()
	p := newFakeIndex(t, recipe{name: "a", version: "1"})
	s := p.spec(t)
	refusals := 2
	p.act = func(w http.ResponseWriter, _ *http.Request) bool {
		if refusals--; refusals < 0 {
			return false
		}
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusTooManyRequests)
		return true
	}
	var waits []time.Duration
	s.Pause = func(_ context.Context, d time.Duration) error { waits = append(waits, d); return nil }
	var told []string
	s.Progress = func(text string) { told = append(told, strings.ReplaceAll(text, p.URL, "URL")) }
	if _, err := Resolve(t.Context(), s); err != nil || !slices.Equal(waits, []time.Duration{7 * time.Second, 7 * time.Second}) {
		t.Errorf("%v, waited %v", err, waits)
	}
	if want := "too many requests to the index URL/simple/a/ (429 Too Many Requests): retrying in 7s"; !slices.Contains(told, want) {
		t.Errorf("told %q", told)
	}
	refusals, s.CacheDir = 1<<30, t.TempDir()
	_, err := Resolve(t.Context(), s)
	wantIndexError(t, p, err, "lock.txt:1:1: download a==1: too many requests to the index URL/simple/a/ (429 Too Many Requests) (wait until its rate limit allows more, or set PIP_INDEX_URL to a mirror)")
}

func wantIndexError(t *testing.T, p *fakeIndex, err error, want string) {
	t.Helper()
	refused := (*IndexError)(nil)
	if !errors.As(err, &refused) || strings.ReplaceAll(err.Error(), strings.TrimPrefix(p.URL, "http://"), "HOST") != strings.Replace(want, "the index URL", "the index http://HOST", 1) {
		t.Errorf("\n got %v\nwant %s", err, want)
	}
}

// A failure of an index is reported with the index's name if pip does not help either.
func TestIndexErrors(t *testing.T) {
	t.Parallel()
	const hint = " (check the network, the proxy and PIP_INDEX_URL; cached packages need no network)"
	for what, c := range map[string]struct {
		path, want string
		answer     func(w http.ResponseWriter)
	}{
		"file gone":   {"/files/", "the index URL/files/a-1-py3-none-any.whl responded with 404 Not Found (check PIP_INDEX_URL, and that the index is the one that the lock was made with)", func(w http.ResponseWriter) { w.WriteHeader(404) }},
		"credentials": {"/simple/", "authentication failed for the index URL/simple/a/, and there are no credentials for it (401 Unauthorized) (set the credentials in PIP_INDEX_URL or PIP_EXTRA_INDEX_URL, in .netrc, or in pip's keyring)", func(w http.ResponseWriter) { w.WriteHeader(401) }},
		"quota": {"/simple/", "authentication failed for the index URL/simple/a/, and there are no credentials for it (403 Forbidden): the quota of team a is used up (set the credentials in PIP_INDEX_URL or PIP_EXTRA_INDEX_URL, in .netrc, or in pip's keyring)", func(w http.ResponseWriter) {
			http.Error(w, "the quota of team a is used up", http.StatusForbidden)
		}},
		"failure": {"/simple/", "the index URL/simple/a/ failed with status 503 Service Unavailable (run it again later)", func(w http.ResponseWriter) { w.WriteHeader(503) }},
		"no page": {"/simple/", "the index URL/simple/a/ returned a page that cannot be read: unexpected end of JSON input (check that it is the address of a package index)", func(w http.ResponseWriter) { _, _ = w.Write([]byte("{")) }},
		"short": {"/files/", "the index URL/files/a-1-py3-none-any.whl sent an incomplete response: unexpected EOF" + hint, func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "100000")
			_, _ = w.Write([]byte("x"))
		}},
	} {
		p := newFakeIndex(t, recipe{name: "a", version: "1"})
		p.act = func(w http.ResponseWriter, r *http.Request) bool {
			if strings.HasPrefix(r.URL.Path, c.path) {
				c.answer(w)
				return true
			}
			return false
		}
		_, err := Resolve(t.Context(), p.spec(t))
		t.Log(what)
		wantIndexError(t, p, err, "lock.txt:1:1: download a==1: "+c.want)
	}
}

// A file that has another hash than its page says is refused at its line of the lock.
func TestHashMismatch(t *testing.T) {
	t.Parallel()
	p := newFakeIndex(t, recipe{name: "a", version: "1"})
	s := p.spec(t)
	p.act = func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasPrefix(r.URL.Path, "/files/") {
			_, _ = w.Write([]byte("evil"))
		}
		return strings.HasPrefix(r.URL.Path, "/files/")
	}
	p.html = true // its pages have no sizes
	_, err := Resolve(t.Context(), s)
	wrong := (*source.Error)(nil)
	if want := "lock.txt:1:1: hash mismatch: the index has a-1-py3-none-any.whl for a==1 with the SHA-256 " + fmt.Sprintf("%x", sha256.Sum256([]byte("evil"))); !errors.As(err, &wrong) || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("\n got %v\nwant %s", err, want)
	}
	if kept, _ := filepath.Glob(filepath.Join(s.CacheDir, "wheels", "*", "*")); len(kept) > 0 {
		t.Errorf("%v is kept", kept)
	}
}

// Credentials are taken from where pip has them, sent only to their host, and not printed.
func TestCredentialsOfAnIndex(t *testing.T) {
	t.Parallel()
	const secret = "canary"
	p := newFakeIndex(t, recipe{name: "a", version: "1"})
	p.act = func(w http.ResponseWriter, r *http.Request) bool {
		if user, password, _ := r.BasicAuth(); user == "me" && password == secret {
			return false
		}
		w.WriteHeader(http.StatusUnauthorized)
		return true
	}
	withUser := func(user string) string { return strings.Replace(p.URL, "://", "://"+user+"@", 1) + "/simple" }
	home := t.TempDir()
	write(t, home, ".netrc", "# of tests\nmachine other.example login x password y\nmachine 127.0.0.1\n  login me\n  password "+secret+"\n")
	write(t, home, "pip.conf", "[global]\nindex-url = "+p.URL+"/none\n[download]\n# comment\nindex_url:\n  "+withUser("me:"+secret)+"\n")
	lock, err := os.ReadFile(filepath.Join(p.spec(t).Dir, "lock.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		environ []string
		lock    string
	}{
		"address":  {[]string{"PIP_INDEX_URL=" + withUser("me:"+secret)}, ""},
		"netrc":    {[]string{"PIP_INDEX_URL=" + p.URL + "/simple", "HOME=" + home}, ""},
		"pip.conf": {[]string{"PIP_CONFIG_FILE=" + filepath.Join(home, "pip.conf")}, ""},
		"uv":       {[]string{"UV_INDEX_URL=own=" + p.URL + "/simple", "UV_INDEX_OWN_USERNAME=me", "UV_INDEX_OWN_PASSWORD=" + secret}, ""},
		"lock":     {[]string{"PASSWORD=" + secret}, "--index-url " + withUser("me:${PASSWORD}") + "\n"},
	} {
		s := p.spec(t)
		s.Environ = c.environ
		if what != "pip.conf" {
			s.Environ = append(s.Environ, "PIP_CONFIG_FILE="+os.DevNull)
		}
		write(t, s.Dir, s.Lock, c.lock+string(lock))
		if _, err := Resolve(t.Context(), s); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	s := p.spec(t)
	s.Environ = []string{"PIP_CONFIG_FILE=" + os.DevNull, "PIP_INDEX_URL=" + withUser("me:other-"+secret)}
	_, err = Resolve(t.Context(), s)
	wantIndexError(t, p, err, "lock.txt:1:1: download a==1: authentication failed for the index http://***@HOST/simple/a/ (401 Unauthorized) (set the credentials in PIP_INDEX_URL or PIP_EXTRA_INDEX_URL, in .netrc, or in pip's keyring)")
}

// A redirect to another host does not get the credentials, and must not lead to plain HTTP.
func TestRedirectsOfAnIndex(t *testing.T) {
	t.Parallel()
	files := newFakeIndex(t, recipe{name: "a", version: "1"})
	files.act = func(_ http.ResponseWriter, r *http.Request) bool {
		if _, _, ok := r.BasicAuth(); ok {
			t.Error("credentials went to another host")
		}
		return false
	}
	p := newFakeIndex(t, recipe{name: "a", version: "1"})
	to := files.URL
	p.act = func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasPrefix(r.URL.Path, "/files/") {
			return false
		}
		http.Redirect(w, r, to+r.URL.Path, http.StatusFound)
		return true
	}
	s := p.spec(t)
	s.Environ = append(s.Environ, "PIP_INDEX_URL="+strings.Replace(p.URL, "://", "://me:canary@", 1)+"/simple")
	if _, err := Resolve(t.Context(), s); err != nil {
		t.Error(err)
	}
	to, s.CacheDir = "http://files.example", t.TempDir()
	_, err := Resolve(t.Context(), s)
	wantIndexError(t, p, err, "lock.txt:1:1: download a==1: the index URL/files/a-1-py3-none-any.whl cannot be reached: it redirects to http://files.example/files/a-1-py3-none-any.whl, which does not use HTTPS (check the network, the proxy and PIP_INDEX_URL; cached packages need no network)")
}

// Settings that only pip supports are left to it.
func TestSettingsThatNeedPip(t *testing.T) {
	t.Parallel()
	p := newFakeIndex(t, recipe{name: "a", version: "1"})
	for _, more := range []string{"PIP_CLIENT_CERT=/x", "PIP_TRUSTED_HOST=x.example", "PIP_CERT=/none/such", "PIP_INDEX_URL=http://x.example/simple", "PIP_INDEX_URL=http://127.x.example/simple", "PIP_EXTRA_INDEX_URL=ftp://x.example"} {
		s := p.spec(t)
		s.Environ = append(s.Environ, more)
		if _, err := Resolve(t.Context(), s); !errors.Is(err, errNoPip) {
			t.Errorf("%s: %v", more, err)
		}
	}
	if asked := p.requests(); len(asked) != 0 {
		t.Errorf("asked for %q", asked)
	}
}

// Packages that no index has are reported before anything is downloaded.
func TestMissingFilesFailBeforeDownloads(t *testing.T) {
	t.Parallel()
	p := newFakeIndex(t, recipe{name: "a", version: "1"}, recipe{name: "b", version: "1"})
	s := p.spec(t)
	delete(p.files, "b-1-py3-none-any.whl")
	if _, err := Resolve(t.Context(), s); !errors.Is(err, errNoPip) {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"/simple/a/", "/simple/b/"}, p.requests()); diff != "" {
		t.Error(diff)
	}
}

// The layer of a large package is passed on while another package is still being
// downloaded. If they overlap, the environment has a different layer in its place.
func TestEarlyLayers(t *testing.T) {
	t.Parallel()
	content := strings.Repeat("x", largePackage)
	p := newFakeIndex(t, recipe{name: "a", version: "1", files: map[string]string{"a.py": content, "shared.py": "a"}}, recipe{name: "b", version: "1", files: map[string]string{"b.py": content, "shared.py": "b"}},
		recipe{name: "c", version: "1", files: map[string]string{"c.py": content}}, recipe{name: "small", version: "1"})
	s := p.spec(t)
	var mu sync.Mutex
	early := map[string]string{}
	gate := make(chan struct{})
	s.MaxLayers, s.Early = 100, func(l Layer) {
		mu.Lock()
		defer mu.Unlock()
		if early[l.Name] = l.Fingerprint; l.Name == "a" {
			close(gate)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	p.act = func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasPrefix(r.URL.Path, "/files/b") {
			select {
			case <-gate:
			case <-ctx.Done():
			}
		}
		return false
	}
	env, err := Resolve(ctx, s)
	if err != nil {
		t.Fatal(err)
	}
	same := map[string]bool{}
	for _, l := range env.Layers {
		if had, ok := early[l.Name]; ok {
			same[l.Name] = had == l.Fingerprint
		}
	}
	if len(early) != 3 || len(same) != 3 || !same["c"] || same["a"] == same["b"] || len(env.Overlaps) != 1 {
		t.Errorf("%v of %v, %v", same, early, env.Overlaps)
	}
	s.MaxLayers, s.Early = 5, func(l Layer) { t.Errorf("%s is given, and there may be no room for it", l.Name) }
	if _, err := Resolve(ctx, s); err != nil {
		t.Error(err)
	}
}

// A wheel is decompressed only when its files are read, and only once.
func TestNothingIsInflatedTwice(t *testing.T) {
	t.Parallel()
	_, text := recipe{name: "a", version: "1", files: map[string]string{"a.py": strings.Repeat("abc", 1000)}}.make(t)
	text[bytes.Index(text, []byte("a.py"))+len("a.py")+3] ^= 0x55
	p := newFakeIndex(t)
	p.files["a-1-py3-none-any.whl"] = text
	env, err := Resolve(t.Context(), p.spec(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range env.Layers {
		for _, f := range l.Files {
			if f.Deflated == nil || !strings.HasSuffix(f.Path, "/a.py") {
				continue
			}
			var plain, packed bytes.Buffer
			err := f.Deflated.Copy(&plain, &packed)
			if wrong := (*source.Error)(nil); !errors.As(err, &wrong) || wrong.File != "lock.txt" || !strings.Contains(err.Error(), "the wheel a-1-py3-none-any.whl cannot be installed: a.py is damaged") {
				t.Errorf("%v", err)
			}
			return
		}
	}
	t.Error("a.py is not there")
}
