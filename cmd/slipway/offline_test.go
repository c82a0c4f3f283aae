package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/slipway-ci/slipway/internal/sandbox/registry"
)

// TestStoriesOffline runs the stories of testdata/offline. MIRROR is a mirror of Docker Hub that
// has the image team/base:1. It does not answer any more once the story has a file offline.
func TestStoriesOffline(t *testing.T) {
	t.Parallel()
	stories(t, filepath.Join("testdata", "offline"), func(env *testscript.Env) error {
		images, err := registry.New(filepath.Join(env.WorkDir, ".registry"), io.Discard)
		if err != nil {
			return err
		}
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, err := os.Stat(filepath.Join(env.WorkDir, "offline")); err == nil {
				panic(http.ErrAbortHandler)
			}
			images.ServeHTTP(w, r)
		}))
		env.Defer(server.Close)
		mirror := strings.TrimPrefix(server.URL, "http://") + "/hub"
		env.Setenv("MIRROR", mirror)
		base, err := random.Image(4096, 2)
		if err != nil {
			return err
		}
		config, err := base.ConfigFile()
		if err != nil {
			return err
		}
		config = config.DeepCopy()
		config.OS, config.Architecture = "", "" // for any platform
		if base, err = mutate.ConfigFile(base, config); err != nil {
			return err
		}
		tag, err := name.NewTag(mirror + "/team/base:1")
		if err != nil {
			return err
		}
		return remote.Write(tag, base)
	})
}
