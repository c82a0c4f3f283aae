package dockerfile

import (
	"archive/tar"
	"bytes"
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/slipway-ci/slipway/internal/testenv"
)

// fixture is a BuildKit, a registry with a base image, and a log of the registry's requests.
type fixture struct {
	t          *testing.T
	builder    *Builder
	registry   string
	mu         sync.Mutex
	requestLog []string
	// refuse, if it returns a status, answers a request instead of the registry.
	refuse func(*http.Request) int
}

// requests returns the requests since the last call.
func (w *fixture) requests() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	asked := w.requestLog
	w.requestLog = nil
	return asked
}

func (w *fixture) refusing(refuse func(*http.Request) int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refuse = refuse
}

func newRegistry(t *testing.T) *fixture {
	w := &fixture{t: t}
	handler := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		w.requestLog = append(w.requestLog, r.Method+" "+r.URL.Path)
		refuse := w.refuse
		w.mu.Unlock()
		if refuse != nil {
			if status := refuse(r); status != 0 {
				_, _ = io.Copy(io.Discard, r.Body)
				rw.WriteHeader(status)
				return
			}
		}
		handler.ServeHTTP(rw, r)
	}))
	t.Cleanup(server.Close)
	w.registry = strings.TrimPrefix(server.URL, "http://")
	w.base()
	return w
}

// newFixture starts a registry, and uses the BuildKit of the tests.
func newFixture(t *testing.T) *fixture {
	address := testenv.BuildKit(t)
	w := newRegistry(t)
	builder, err := Find(t.Context(), Finder{Environ: []string{"BUILDKIT_HOST=" + address}})
	if err != nil {
		t.Fatal(err)
	}
	w.builder = builder
	return w
}

// base builds REGISTRY/base from Debian's static busybox.
func (w *fixture) base() {
	w.t.Helper()
	shell, err := exec.LookPath("busybox")
	if err != nil {
		w.t.Skip("busybox is not here")
	}
	program, err := os.ReadFile(shell)
	if err != nil {
		w.t.Fatal(err)
	}
	var text bytes.Buffer
	archive := tar.NewWriter(&text)
	add := func(h *tar.Header, body []byte) {
		h.Size = int64(len(body))
		if err := archive.WriteHeader(h); err != nil {
			w.t.Fatal(err)
		}
		_, _ = archive.Write(body)
	}
	for _, dir := range []string{"bin", "etc", "tmp", "root"} {
		add(&tar.Header{Name: dir + "/", Typeflag: tar.TypeDir, Mode: 0o755}, nil)
	}
	add(&tar.Header{Name: "bin/busybox", Mode: 0o755}, program)
	for _, applet := range strings.Fields("sh cat echo ls sleep mkdir test stat env id wc nc touch seq printf sha256sum find sort tr") {
		add(&tar.Header{Name: "bin/" + applet, Typeflag: tar.TypeSymlink, Linkname: "busybox", Mode: 0o777}, nil)
	}
	add(&tar.Header{Name: "etc/passwd", Mode: 0o644}, []byte("root:x:0:0::/root:/bin/sh\n"))
	_ = archive.Close()
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text.Bytes())), nil })
	if err != nil {
		w.t.Fatal(err)
	}
	image, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		w.t.Fatal(err)
	}
	config, _ := image.ConfigFile()
	config.OS, config.Architecture, config.Config.Env = "linux", "amd64", []string{"PATH=/bin"}
	if image, err = mutate.ConfigFile(image, config); err != nil {
		w.t.Fatal(err)
	}
	if err := remote.Write(w.reference("base:1"), image); err != nil {
		w.t.Fatal(err)
	}
}

func (w *fixture) reference(text string) name.Reference {
	w.t.Helper()
	reference, err := name.ParseReference(w.registry+"/"+text, name.Insecure)
	if err != nil {
		w.t.Fatal(err)
	}
	return reference
}

// spec returns a spec of a tree with these files. BASE in them is replaced by the base
// image.
func (w *fixture) spec(files map[string]string) Spec {
	w.t.Helper()
	return Spec{Name: "app", Dir: write(w.t, w.t.TempDir(), w.replace(files)), BuildArgs: map[string]string{}}
}

func (w *fixture) replace(files map[string]string) map[string]string {
	replaced := map[string]string{}
	for path, text := range files {
		replaced[path] = strings.ReplaceAll(text, "BASE", w.registry+"/base:1")
	}
	return replaced
}

// write writes files below a directory.
func write(t testing.TB, dir string, files map[string]string) string {
	t.Helper()
	for path, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func (w *fixture) output(repository string, tags ...string) Output {
	return Output{Repository: w.registry + "/" + repository, Tags: tags, PlainHTTP: true}
}

// events collects progress. A build reports it from one goroutine.
type events []Progress

func (e *events) add(p Progress) { *e = append(*e, p) }

func (e events) text() string {
	var b strings.Builder
	for _, p := range e {
		b.WriteString(string(p.Event) + "|" + p.Step + "|" + p.Line + "|" + p.What + "\n")
	}
	return b.String()
}

// build builds an image, and returns the image that the tag latest then has.
func (w *fixture) build(t *testing.T, s Spec, repository string) (v1.Image, *Built, events) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	var told events
	built, err := w.builder.Build(ctx, s, w.output(repository, "latest"), told.add)
	if err != nil {
		t.Fatalf("%v\n%s", err, told.text())
	}
	image, err := remote.Image(w.reference(repository + ":latest"))
	if err != nil {
		t.Fatal(err)
	}
	if digest, _ := image.Digest(); digest != built.Digest {
		t.Errorf("the tag has %s, and %s was built", digest, built.Digest)
	}
	return image, built, told
}

// fails builds an image that cannot be built, and returns the error.
func (w *fixture) fails(t *testing.T, s Spec) (events, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	var told events
	built, err := w.builder.Build(ctx, s, w.output("never", "latest"), told.add)
	if err == nil {
		t.Fatalf("it was built: %v", built)
	}
	if _, err := remote.Head(w.reference("never:latest")); err == nil {
		t.Error("the tag is there")
	}
	return told, err
}
