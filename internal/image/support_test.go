package image

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/flock"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/slipway-ci/slipway/internal/clock"
)

// memory starts go-containerregistry's registry.
func memory(t *testing.T) *Registry {
	t.Helper()
	return serve(t, inMemory())
}

func inMemory() http.Handler {
	return registry.New(registry.Logger(log.New(io.Discard, "", 0)))
}

func serve(t *testing.T, h http.Handler) *Registry {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return at127(server.URL)
}

// at127 gives the registry of a URL, with short pauses between attempts:
// docker-registry cannot read a manifest while another push writes it again.
func at127(url string) *Registry {
	return &Registry{
		Prefix:      strings.TrimPrefix(url, "http://") + "/acme/ml",
		NameOptions: []name.Option{name.Insecure},
		Transport:   &http.Transport{MaxIdleConnsPerHost: 8},
		Pause:       func(ctx context.Context, d time.Duration) error { return clock.Wait(ctx, d/100) },
	}
}

// baseImage is a Docker image of two layers.
func baseImage(t *testing.T, platform v1.Platform) v1.Image {
	t.Helper()
	image, err := random.Image(2048, 2)
	if err != nil {
		t.Fatal(err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = platform.OS, platform.Architecture
	config.Config.Env = []string{"PATH=/usr/bin", "LANG=C.UTF-8"}
	config.Config.Entrypoint, config.Config.Cmd = []string{"python3"}, []string{"-i"}
	if image, err = mutate.ConfigFile(image, config); err != nil {
		t.Fatal(err)
	}
	return image
}

func pushBase(t *testing.T, r *Registry, image string, platform v1.Platform) string {
	t.Helper()
	return put(t, r, image, func(ref name.Reference) error {
		return remote.Write(ref, baseImage(t, platform), r.options(t.Context())...)
	})
}

func pushIndex(t *testing.T, r *Registry, image string, architectures ...string) string {
	t.Helper()
	var index v1.ImageIndex = empty.Index
	for _, a := range architectures {
		platform := v1.Platform{OS: "linux", Architecture: a}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: baseImage(t, platform), Descriptor: v1.Descriptor{Platform: &platform}})
	}
	return put(t, r, image, func(ref name.Reference) error { return remote.WriteIndex(ref, index, r.options(t.Context())...) })
}

func put(t *testing.T, r *Registry, image string, write func(name.Reference) error) string {
	t.Helper()
	repository, err := r.Reference(image)
	if err != nil {
		t.Fatal(err)
	}
	if err := write(repository.Tag("1")); err != nil {
		t.Fatal(err)
	}
	return repository.Tag("1").String()
}

// faults stands before a registry. act sees each request with its number, from
// 1, and tells whether it has answered it.
type faults struct {
	next http.Handler
	act  func(n int, w http.ResponseWriter, r *http.Request) bool

	mu       sync.Mutex
	n        int
	requests []string
	received int64
}

func (f *faults) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.n++
	n := f.n
	f.requests = append(f.requests, r.Method+" "+r.URL.Path)
	act := f.act
	f.mu.Unlock()
	if act != nil && act(n, w, r) {
		return
	}
	r.Body = &countedBody{r.Body, f}
	f.next.ServeHTTP(w, r)
}

// during sets what happens to requests, and counts them from 1 again.
func (f *faults) during(act func(n int, w http.ResponseWriter, r *http.Request) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.n, f.act, f.requests, f.received = 0, act, nil, 0
}

func (f *faults) log() ([]string, int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string{}, f.requests...), f.received
}

type countedBody struct {
	io.ReadCloser
	f *faults
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.f.mu.Lock()
	b.f.received += int64(n)
	b.f.mu.Unlock()
	return n, err
}

// reset reads half of what is sent and resets the connection.
func reset(w http.ResponseWriter, r *http.Request) {
	_, _ = io.CopyN(io.Discard, r.Body, r.ContentLength/2)
	if connection, _, err := http.NewResponseController(w).Hijack(); err == nil {
		if tcp, ok := connection.(interface{ SetLinger(int) error }); ok {
			_ = tcp.SetLinger(0)
		}
		_ = connection.Close()
	}
}

// lockFile holds the lock of another build until the function it gives is called.
func lockFile(t *testing.T, name string) func() {
	t.Helper()
	lock := flock.New(name)
	if got, err := lock.TryLock(); err != nil || !got {
		t.Fatalf("lock %s: %v, %v", name, got, err)
	}
	return func() { must(t, lock.Unlock()) }
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
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
