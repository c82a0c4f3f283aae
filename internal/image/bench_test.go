package image

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/slipway-ci/slipway/internal/registry"
	sandboxregistry "github.com/slipway-ci/slipway/internal/sandbox/registry"
	"github.com/slipway-ci/slipway/internal/testenv"
)

// benchTree returns a tree with the Python packages of a team in site/ and their sources in
// src/.
func benchTree(b *testing.B) string {
	b.Helper()
	dir := b.TempDir()
	testenv.PythonTree(b, dir)
	return dir
}

// benchRegistry starts a registry on loopback that stores its blobs on disk. Each request
// is delayed.
func benchRegistry(b *testing.B, delay time.Duration) *registry.Client {
	b.Helper()
	if testing.Short() {
		b.Skip("it takes packages and time")
	}
	handler, err := sandboxregistry.New(b.TempDir(), io.Discard)
	if err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if delay > 0 {
			time.Sleep(delay) // simulate the latency of a network
		}
		handler.ServeHTTP(w, r)
	}))
	b.Cleanup(server.Close)
	return &registry.Client{Prefix: strings.TrimPrefix(server.URL, "http://"), NameOptions: []name.Option{name.Insecure}, Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
}

// deliver builds and pushes as `slipway build` does.
func deliver(tb testing.TB, r *registry.Client, s Spec) *Pushed {
	fresh := *r
	fresh.Transport = registry.CachePings(r.Transport) // as in a new process
	recipe, err := Prepare(context.Background(), s, &fresh)
	if err != nil {
		tb.Fatal(err)
	}
	pushed, err := Push(context.Background(), &fresh, recipe, []string{"v1"}, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return pushed
}

// editor returns a function that changes one source file, to different content each time.
func editor(dir string) func(testing.TB) {
	n := 0
	return func(tb testing.TB) {
		n++
		if err := os.WriteFile(filepath.Join(dir, "src", "part3", "file3.py"), fmt.Appendf(nil, "print(%d)\n", n), 0o644); err != nil {
			tb.Fatal(err)
		}
	}
}

// BenchmarkImageEdit pushes an image after one source file was edited, until the tag points
// to the new image.
func BenchmarkImageEdit(b *testing.B) {
	dir := benchTree(b)
	r := benchRegistry(b, 0)
	edit := editor(dir)
	s := Spec{Name: "slipway", Dir: dir, Kind: KindFiles, Files: []string{"site", "src"}}
	deliver(b, r, s)
	contenders := []testenv.Contender{
		{Name: "slipway", Prepare: edit, Run: func(tb testing.TB) int64 { deliver(tb, r, s); return 0 }},
		{Name: "slipway on a fresh machine", Prepare: func(tb testing.TB) { edit(tb); forget(tb, dir) }, Run: func(tb testing.TB) int64 { deliver(tb, r, s); return 0 }},
		{Name: "slipway, nothing changed", Prepare: func(tb testing.TB) { deliver(tb, r, s) }, Run: func(tb testing.TB) int64 { deliver(tb, r, s); return 0 }},
	}
	testenv.Compare(b, append(contenders, testenv.Crane(b, dir, r.Prefix+"/crane", edit))...)
}

// BenchmarkImageFirst pushes an image to a registry that has nothing of it.
func BenchmarkImageFirst(b *testing.B) {
	dir := benchTree(b)
	n := 0
	r := benchRegistry(b, 0)
	testenv.Compare(b,
		testenv.Contender{Name: "slipway", Prepare: func(tb testing.TB) { n++; forget(tb, dir) }, Run: func(tb testing.TB) int64 {
			deliver(tb, r, Spec{Name: fmt.Sprint("first", n), Dir: dir, Kind: KindFiles, Files: []string{"site", "src"}})
			return 0
		}},
		// Without an edit, the registry would have the layer.
		testenv.Crane(b, dir, r.Prefix+"/crane", editor(dir)),
	)
}

// BenchmarkImageFar edits one file and pushes to a registry with a latency of 30 ms.
func BenchmarkImageFar(b *testing.B) {
	dir := benchTree(b)
	r := benchRegistry(b, 30*time.Millisecond)
	s := Spec{Name: "slipway", Dir: dir, Kind: KindFiles, Files: []string{"site", "src"}}
	deliver(b, r, s)
	testenv.Compare(b,
		testenv.Contender{Name: "one request", Run: func(tb testing.TB) int64 {
			if _, err := r.Transport.RoundTrip(httptest.NewRequest(http.MethodHead, "http://"+r.Prefix+"/v2/slipway/manifests/none", nil)); err != nil {
				tb.Fatal(err)
			}
			return 0
		}},
		testenv.Contender{Name: "slipway, one file edited", Prepare: editor(dir), Run: func(tb testing.TB) int64 { deliver(tb, r, s); return 0 }},
		testenv.Contender{Name: "slipway, nothing changed", Prepare: func(tb testing.TB) { deliver(tb, r, s) }, Run: func(tb testing.TB) int64 { deliver(tb, r, s); return 0 }},
	)
}

// forget removes everything that slipway caches on this machine.
func forget(tb testing.TB, dir string) {
	if err := os.RemoveAll(cacheDir(dir)); err != nil {
		tb.Fatal(err)
	}
}
