package image

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/flock"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/slipway-ci/slipway/internal/clock"
	"github.com/slipway-ci/slipway/internal/registry"
	"github.com/slipway-ci/slipway/internal/registry/registrytest"
)

// memory starts the registry of go-containerregistry.
func memory(t *testing.T) *registry.Client {
	t.Helper()
	return serve(t, registrytest.InMemory())
}

func serve(t *testing.T, h http.Handler) *registry.Client {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return at127(server.URL)
}

// at127 returns a client for the registry at a URL, with short pauses between attempts. It
// needs retries because docker-registry cannot read a manifest while another push is
// writing it.
func at127(url string) *registry.Client {
	return &registry.Client{
		Prefix:      strings.TrimPrefix(url, "http://") + "/acme/ml",
		NameOptions: []name.Option{name.Insecure},
		Transport:   &http.Transport{MaxIdleConnsPerHost: 8},
		Pause:       func(ctx context.Context, d time.Duration) error { return clock.Sleep(ctx, d/100) },
	}
}

// baseImage returns a Docker image of two layers.
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

func pushBase(t *testing.T, r *registry.Client, image string, platform v1.Platform) string {
	t.Helper()
	return put(t, r, image, func(ref name.Reference) error {
		return remote.Write(ref, baseImage(t, platform), options(t, r)...)
	})
}

func pushIndex(t *testing.T, r *registry.Client, image string, architectures ...string) string {
	t.Helper()
	var index v1.ImageIndex = empty.Index
	for _, a := range architectures {
		platform := v1.Platform{OS: "linux", Architecture: a}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: baseImage(t, platform), Descriptor: v1.Descriptor{Platform: &platform}})
	}
	return put(t, r, image, func(ref name.Reference) error { return remote.WriteIndex(ref, index, options(t, r)...) })
}

func put(t *testing.T, r *registry.Client, image string, write func(name.Reference) error) string {
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

// options returns the options with which tests send requests to a registry themselves.
func options(t *testing.T, r *registry.Client) []remote.Option {
	return []remote.Option{remote.WithTransport(r.Transport), remote.WithContext(t.Context())}
}

// lockFile holds the lock of another build until the returned function is called.
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
