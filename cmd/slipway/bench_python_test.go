package main

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/slipway-ci/slipway/internal/testenv"
)

// sciencePackages are the packages of the benchmark of a first Python build: 125 MB of
// wheels that contain 430 MB of files.
const sciencePackages = "numpy==2.2.6\npandas==2.2.3\nscikit-learn==1.6.1\npyarrow==22.0.0\n"

// BenchmarkImagePythonFirst builds and pushes the image of a lock with empty caches, and
// compares that with uv pip install --target, tar and crane append. Each is run as a
// process. Its processor time includes that of its children.
func BenchmarkImagePythonFirst(b *testing.B) {
	binary, host := builtAndRegistry(b)
	pushPythonBase(b, host+"/bases/python:3.11")
	uv := testenv.UV(b)
	locks := b.TempDir()
	if err := os.WriteFile(filepath.Join(locks, "requirements.in"), []byte(sciencePackages), 0o644); err != nil {
		b.Fatal(err)
	}
	kinds := []struct{ name, lock string }{{"slipway, pylock.toml", "pylock.toml"}, {"slipway, requirements.txt", "requirements.txt"}}
	for _, kind := range kinds {
		execute(b, locks, uv, "pip", "compile", "--quiet", "--cache-dir", filepath.Join(locks, "cache"), "--generate-hashes", "--only-binary=:all:",
			"--python-version=3.11", "--output-file="+kind.lock, "requirements.in")
	}
	n := 0
	var contenders []measured
	for _, kind := range kinds {
		contenders = append(contenders, measured{kind.name, func(tb testing.TB) []*os.ProcessState {
			n++
			dir := tb.TempDir()
			text, err := os.ReadFile(filepath.Join(locks, kind.lock))
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, kind.lock), text, 0o644)
			}
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, "slipway.yaml"), fmt.Appendf(nil, "project: first\nregistry: %s/slipway%d\nimages: {train: {python: {base: \"%s/bases/python:3.11\", requirements: %s}}}\n", host, n, host, kind.lock), 0o644)
			}
			if err != nil {
				tb.Fatal(err)
			}
			tb.Cleanup(func() { stopSandbox(dir) })
			command := exec.Command(binary, "build")
			command.Dir, command.Env = dir, append(os.Environ(), "PIP_NO_CACHE_DIR=1", "XDG_CACHE_HOME="+tb.TempDir())
			return []*os.ProcessState{finish(tb, command)}
		}})
	}
	crane := testenv.CraneBinary(b)
	contenders = append(contenders, measured{"uv, tar and crane append", func(tb testing.TB) []*os.ProcessState {
		n++
		dir := tb.TempDir()
		layer, target := filepath.Join(dir, "layer.tar"), filepath.Join(dir, "opt", "venv", "lib", "python3.11", "site-packages")
		return []*os.ProcessState{
			finish(tb, exec.Command(uv, "pip", "install", "--quiet", "--cache-dir", filepath.Join(dir, "cache"), "--target", target, "--require-hashes", "--no-deps", "--only-binary=:all:",
				"--python-version=3.11", "--python-platform=x86_64-manylinux_2_28", "--requirement", filepath.Join(locks, "requirements.txt"))),
			finish(tb, exec.Command("tar", "-C", dir, "-cf", layer, "opt")),
			// Use another repository each time, because the registry would already have
			// the layer.
			finish(tb, exec.Command(crane, "append", "--insecure", "-b", host+"/bases/python:3.11", "-f", layer, "-t", fmt.Sprintf("%s/crane%d:v1", host, n))),
		}
	}})
	rows := make([]testenv.Row, len(contenders))
	for b.Loop() {
		for i, c := range contenders {
			began := time.Now()
			states := c.run(b)
			rows[i].Name = c.name
			rows[i].Times = append(rows[i].Times, time.Since(began))
			var processor time.Duration
			for _, s := range states {
				processor += s.UserTime() + s.SystemTime()
				rows[i].Memory = max(rows[i].Memory, testenv.Peak(s))
			}
			rows[i].Processor = append(rows[i].Processor, processor)
		}
	}
	slices.Reverse(rows) // the ratios are relative to uv, tar and crane
	testenv.Print(b, rows...)
}

// measured is one of the compared ways. run returns the processes that did the work.
type measured struct {
	name string
	run  func(testing.TB) []*os.ProcessState
}

// finish runs a program to its end and returns its state.
func finish(tb testing.TB, c *exec.Cmd) *os.ProcessState {
	tb.Helper()
	if out, err := c.CombinedOutput(); err != nil {
		tb.Fatalf("%v: %v\n%s", c.Args, err, out)
	}
	return c.ProcessState
}

// pushPythonBase pushes a base image that only has the files by which slipway detects its
// Python.
func pushPythonBase(b *testing.B, reference string) {
	b.Helper()
	var text bytes.Buffer
	w := tar.NewWriter(&text)
	for path, content := range map[string]string{"usr/local/bin/python3": "\x7fELF/lib64/ld-linux-x86-64.so.2\x00", "usr/lib/x86_64-linux-gnu/libc.so.6": "GNU C Library (Debian) stable release version 2.36."} {
		err := w.WriteHeader(&tar.Header{Name: path, Mode: 0o755, Size: int64(len(content))})
		if err == nil {
			_, err = io.WriteString(w, content)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text.Bytes())), nil })
	if err != nil {
		b.Fatal(err)
	}
	image, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		b.Fatal(err)
	}
	image, err = mutate.ConfigFile(image, &v1.ConfigFile{OS: "linux", Architecture: "amd64", RootFS: mustConfig(b, image).RootFS, Config: v1.Config{Env: []string{"PATH=/usr/local/bin:/usr/bin", "PYTHON_VERSION=3.11.14"}}})
	if err != nil {
		b.Fatal(err)
	}
	to, err := name.ParseReference(reference, name.Insecure)
	if err == nil {
		err = remote.Write(to, image)
	}
	if err != nil {
		b.Fatal(err)
	}
}

func mustConfig(b *testing.B, image v1.Image) *v1.ConfigFile {
	b.Helper()
	config, err := image.ConfigFile()
	if err != nil {
		b.Fatal(err)
	}
	return config
}
