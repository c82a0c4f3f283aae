package container

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/slipway-ci/slipway/internal/testenv"
)

// Variables that make the test binary something other than the tests.
const (
	roleVariable  = "CONTAINER_TEST_ROLE"
	probeVariable = "CONTAINER_TEST_PROBE"
)

// scratchTests is a directory that every user can enter, since tests run as several
// users.
var scratchTests string

func TestMain(m *testing.M) {
	if IsInit(os.LookupEnv) {
		_ = Init()
		os.Exit(1)
	}
	if role, ok := roles()[os.Getenv(roleVariable)]; ok {
		if err := role(); err != nil {
			fmt.Println("failed:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	testenv.DisableRaceExitDelay()
	var err error
	if scratchTests, err = os.MkdirTemp("", "container-test-"); err != nil {
		panic(err)
	}
	_ = os.Chmod(scratchTests, 0o777)
	code := m.Run()
	_ = Remove(scratchTests)
	os.Exit(code)
}

// probeBinary builds the program that the containers of the tests run, once.
var probeBinary = sync.OnceValues(func() (string, error) {
	if path, ok := os.LookupEnv(probeVariable); ok {
		return path, nil
	}
	path := filepath.Join(scratchTests, "probe")
	build := exec.Command("go", "build", "-ldflags=-s -w", "-o", path, "./testdata/probe")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return path, os.Chmod(path, 0o755)
})

func dir(name string) tar.Header  { return tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: 0o755} }
func gone(name string) tar.Header { return tar.Header{Typeflag: tar.TypeReg, Name: name} }

func file(name, content string) entry {
	return entry{tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644}, content}
}

func symlink(name, target string) tar.Header {
	return tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: target}
}

func hardlink(name, target string) tar.Header {
	return tar.Header{Typeflag: tar.TypeLink, Name: name, Linkname: target}
}

// entry is an entry of a layer: a header and a file's content.
type entry struct {
	tar.Header
	content string
}

// layerOf returns a layer of entries and headers.
func layerOf(t testing.TB, parts ...any) v1.Layer {
	t.Helper()
	l, err := newLayer(parts...)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func newLayer(parts ...any) (v1.Layer, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, part := range parts {
		e, ok := part.(entry)
		if !ok {
			e = entry{Header: part.(tar.Header)}
		}
		e.Size = int64(len(e.content))
		if err := w.WriteHeader(&e.Header); err != nil {
			return nil, err
		}
		if _, err := io.WriteString(w, e.content); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(b.Bytes())), nil
	}, tarball.WithCompressionLevel(1))
}

func imageOf(t testing.TB, config v1.Config, layers ...v1.Layer) v1.Image {
	t.Helper()
	image, err := mutate.AppendLayers(empty.Image, layers...)
	if err != nil {
		t.Fatal(err)
	}
	image, err = mutate.ConfigFile(image, configFile(t, image, config))
	if err != nil {
		t.Fatal(err)
	}
	return image
}

func configFile(t testing.TB, image v1.Image, config v1.Config) *v1.ConfigFile {
	t.Helper()
	c, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	c = c.DeepCopy()
	c.OS, c.Architecture, c.Config = runtime.GOOS, runtime.GOARCH, config
	return c
}

// probeLayer is a layer with only the probe.
var probeLayer = sync.OnceValues(func() (v1.Layer, error) {
	path, err := probeBinary()
	if err != nil {
		return nil, err
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	program := file("app/probe", string(content))
	program.Mode = 0o755
	return newLayer(dir("app"), program)
})

// scratchImage returns an image with only the probe, and the given layers.
func scratchImage(t testing.TB, layers ...v1.Layer) v1.Image {
	t.Helper()
	program, err := probeLayer()
	if err != nil {
		t.Fatal(err)
	}
	config := v1.Config{
		Entrypoint: []string{"/app/probe"}, Cmd: []string{"echo", "from", "the", "image"},
		Env: []string{"PATH=/app:/bin", "COLOUR=blue"}, WorkingDir: "/app",
	}
	return imageOf(t, config, append([]v1.Layer{program}, layers...)...)
}

// newRuntime returns a runtime that pulls image for every reference.
func newRuntime(t testing.TB, image v1.Image) *Runtime {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r := New(Options{
		Dir: t.TempDir(), Self: []string{self},
		Pull: pullOf(image),
	})
	t.Cleanup(func() { _ = Remove(r.options.Dir) })
	return r
}

func pullOf(image v1.Image) func(context.Context, string) (v1.Image, error) {
	return func(context.Context, string) (v1.Image, error) { return image, nil }
}

func unpacked(t testing.TB, r *Runtime) *Image {
	t.Helper()
	image, err := r.Image(t.Context(), "registry.test/probe:latest", nil)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

// isolating returns a runtime that isolates containers. If this machine does not allow
// that the test is skipped, except in CI.
func isolating(t testing.TB, layers ...v1.Layer) (*Runtime, *Image) {
	t.Helper()
	r := newRuntime(t, scratchImage(t, layers...))
	if ok, why := r.Isolation(t.Context()); !ok {
		if testenv.Demanded() {
			t.Fatalf("CI needs isolation: %s", why)
		}
		t.Skipf("not isolated: %s", why)
	}
	return r, unpacked(t, r)
}

// direct returns a runtime that does not isolate containers.
func direct(t testing.TB, layers ...v1.Layer) (*Runtime, *Image) {
	t.Helper()
	r := newRuntime(t, scratchImage(t, layers...))
	r.options.Unisolated = "the test asks for it"
	return r, unpacked(t, r)
}

// modes are the ways to run a container.
var modes = map[string]func(testing.TB, ...v1.Layer) (*Runtime, *Image){
	"overlay": isolating,
	"copy": func(t testing.TB, layers ...v1.Layer) (*Runtime, *Image) {
		r, image := isolating(t, layers...)
		r.probed.copies = true
		return r, image
	},
	"direct": direct,
}

// watchedOutput collects output, and lets a test wait for a text in it.
type watchedOutput struct {
	mu    sync.Mutex
	b     bytes.Buffer
	waits map[string]chan struct{}
}

func (w *watchedOutput) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.b.Write(p)
	for text, c := range w.waits {
		if strings.Contains(w.b.String(), text) {
			close(c)
			delete(w.waits, text)
		}
	}
	return len(p), nil
}

func (w *watchedOutput) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.String()
}

// until waits until text was written.
func (w *watchedOutput) until(t testing.TB, text string) {
	t.Helper()
	w.mu.Lock()
	c := make(chan struct{})
	if strings.Contains(w.b.String(), text) {
		close(c)
	} else {
		if w.waits == nil {
			w.waits = map[string]chan struct{}{}
		}
		w.waits[text] = c
	}
	w.mu.Unlock()
	select {
	case <-c:
	case <-time.After(testTimeout):
		t.Fatalf("%q was not written, but: %s", text, w)
	}
}

// testTimeout is how long anything may take, also on a very busy machine.
const testTimeout = 60 * time.Second

// testContainer is a container under test.
type testContainer struct {
	*Process
	out *watchedOutput
	dir string
}

// launch starts a container.
func launch(t testing.TB, r *Runtime, s Spec) (*testContainer, error) {
	t.Helper()
	out := &watchedOutput{}
	s.Stdout, s.Stderr = out, out
	if s.Name == "" {
		s.Name = "main"
	}
	if s.Dir == "" {
		s.Dir = filepath.Join(t.TempDir(), "scratch")
	}
	p, err := r.Start(t.Context(), s)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() {
		p.Stop(0)
		_, _ = p.Wait()
	})
	return &testContainer{Process: p, out: out, dir: s.Dir}, nil
}

func mustLaunch(t testing.TB, r *Runtime, s Spec) *testContainer {
	t.Helper()
	l, err := launch(t, r, s)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// end waits for the container's end.
func (l *testContainer) end(t testing.TB) Exit {
	t.Helper()
	select {
	case <-l.Done():
	case <-time.After(testTimeout):
		t.Fatalf("the container does not end; it wrote: %s", l.out)
	}
	exit, err := l.Wait()
	if err != nil {
		t.Fatal(err)
	}
	return exit
}

// succeed runs a container that must succeed, and returns its output.
func succeed(t testing.TB, r *Runtime, s Spec) string {
	t.Helper()
	l := mustLaunch(t, r, s)
	if exit := l.end(t); exit != (Exit{}) {
		t.Fatalf("exit %+v: %s", exit, l.out)
	}
	return l.out.String()
}

func startError(t testing.TB, err error) *StartError {
	t.Helper()
	var start *StartError
	if !errors.As(err, &start) {
		t.Fatalf("error %T %v is not a *StartError", err, err)
	}
	return start
}
