package dockerfile

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/internal/testenv"
)

// TestRealDocker builds with a real Docker daemon that has a graph driver.
func TestRealDocker(t *testing.T) {
	t.Parallel()
	host := testenv.Docker(t)
	w := newRegistry(t)
	var err error
	if w.builder, err = Find(t.Context(), Finder{Environ: []string{"DOCKER_HOST=" + host}}); err != nil {
		t.Fatal(err)
	}
	if w.builder.docker == nil || w.builder.docker.containerd || !w.builder.sharesLoopback {
		t.Fatalf("found %+v", w.builder.docker)
	}
	w.builder.testOnlyNetwork = "host"
	s := w.spec(map[string]string{"Dockerfile": "FROM BASE AS a\nCOPY . /app\nFROM a\nRUN --mount=type=secret,id=token sha256sum /run/secrets/token > /sum\nENV A=b\nCOPY a.txt /last\n",
		"a.txt": "one", ".git/config": "never", "b.log": "", ".dockerignore": "*.log"})
	s.Secrets = map[string]secret.Value{"token": secret.NewValue([]byte("s3cr3t-value-of-the-token"))}
	image, _, _ := w.build(t, s, "graph")
	files := testenv.Contents(t, image)
	if files["last"] != "one" || len(files["sum"]) < 64 || files["app/a.txt"] != "one" || files["app/.git/config"] != "" {
		t.Errorf("the image has %v", files["last"])
	}
	if _, ignored := files["app/b.log"]; ignored {
		t.Error("what is ignored is in the image")
	}
	manifest, err := image.Manifest()
	if err != nil || manifest.MediaType != types.OCIManifestSchema1 || manifest.Config.MediaType != types.OCIConfigJSON {
		t.Errorf("the manifest is %+v, %v", manifest, err)
	}
	config, err := image.ConfigFile()
	if err != nil || config.Architecture != "amd64" || len(config.History) < 4 || len(config.Config.Env) == 0 {
		t.Errorf("the configuration is %+v, %v", config, err)
	}

	_, before, _ := w.build(t, s, "graph")
	w.requests()
	_, again, _ := w.build(t, s, "graph")
	if again.Digest != before.Digest {
		t.Errorf("the same has %s and %s", before.Digest, again.Digest)
	}
	write(t, s.Dir, map[string]string{"a.txt": "two"})
	w.requests()
	image, after, _ := w.build(t, s, "graph")
	if after.Digest == before.Digest || testenv.Contents(t, image)["last"] != "two" {
		t.Error("the change is not in the image")
	}
	base := layers(t, image)[0]
	for _, request := range w.requests() {
		if strings.HasPrefix(request, "PUT ") && strings.Contains(request, base.String()) {
			t.Errorf("the base is sent again: %s", request)
		}
	}

	t.Run("several platforms", func(t *testing.T) {
		s := s
		s.Platforms = []string{"linux/amd64", "linux/arm64"}
		_, err := w.fails(t, s)
		var usage *source.Error
		if !errors.As(err, &usage) || !strings.HasSuffix(err.Error(), "keeps images of one platform only (turn on Docker's containerd image store, or set BUILDKIT_HOST)") {
			t.Error(err)
		}
	})
	t.Run("a step fails", func(t *testing.T) {
		s := w.spec(map[string]string{"Dockerfile": "FROM BASE\nRUN echo why; exit 3\n"})
		_, err := w.fails(t, s)
		var failed *BuildError
		if !errors.As(err, &failed) || failed.Output != "why" || !strings.HasSuffix(err.Error(), "it ended with exit code 3\nwhy") {
			t.Errorf("%T %v", err, err)
		}
	})
	t.Run("the registry fails", func(t *testing.T) {
		write(t, s.Dir, map[string]string{"a.txt": "three"})
		w.refusing(func(r *http.Request) int {
			if r.Method == http.MethodPost {
				return http.StatusForbidden
			}
			return 0
		})
		defer w.refusing(nil)
		if built, err := w.builder.Build(t.Context(), s, w.output("graph", "latest"), nil); err == nil || !strings.Contains(err.Error(), "403") {
			t.Errorf("%v, %v", built, err)
		}
	})
}

func layers(t *testing.T, image v1.Image) (ids []v1.Hash) {
	t.Helper()
	manifest, err := image.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	for _, layer := range manifest.Layers {
		ids = append(ids, layer.Digest)
	}
	return ids
}
