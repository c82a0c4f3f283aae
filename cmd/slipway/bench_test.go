package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/sandbox"
	"github.com/slipway-ci/slipway/internal/sandbox/registry"
	"github.com/slipway-ci/slipway/internal/testenv"
)

// BenchmarkDeploy compares the quick start's deploy with its steps by hand: go build, and
// its two programs run directly on the machine. The difference is the time that slipway
// needs to build an image, push it, sync secrets, check, submit, isolate, follow and
// report.
func BenchmarkDeploy(b *testing.B) {
	root := testenv.Root(b)
	dir := b.TempDir()
	for _, name := range []string{"slipway.yaml", "go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), text, 0o644)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := os.CopyFS(filepath.Join(dir, "examples"), os.DirFS(filepath.Join(root, "examples"))); err != nil {
		b.Fatal(err)
	}
	binary := filepath.Join(b.TempDir(), "slipway")
	execute(b, root, "go", "build", "-o", binary, "./cmd/slipway")
	b.Cleanup(func() { stopSandbox(dir) })
	execute(b, dir, binary, "deploy")
	testenv.Compare(b,
		testenv.Contender{Name: "by hand", Run: func(tb testing.TB) int64 {
			out := tb.TempDir()
			execute(tb, dir, "go", "build", "-o", filepath.Join(out, "quickstart"), "./examples/quickstart")
			execute(tb, dir, filepath.Join(out, "quickstart"), "process-data", "--in", "examples/quickstart/data/breast_cancer.csv", "--out", out)
			return execute(tb, dir, filepath.Join(out, "quickstart"), "train", "--data", out, "--artifacts", out, "--outputs", out,
				"--signing-key", "examples/quickstart/signing-key.txt")
		}},
		testenv.Contender{Name: "nothing changed", Run: func(tb testing.TB) int64 { return execute(tb, dir, binary, "deploy") }},
		testenv.Contender{Name: "run again", Run: func(tb testing.TB) int64 { return execute(tb, dir, binary, "deploy", "--rerun") }},
		testenv.Contender{Name: "first, Go's cache warm",
			Prepare: func(tb testing.TB) {
				execute(tb, dir, binary, "sandbox", "reset")
				if err := os.RemoveAll(filepath.Join(dir, ".slipway")); err != nil {
					tb.Fatal(err)
				}
			},
			Run: func(tb testing.TB) int64 { return execute(tb, dir, binary, "deploy") }},
	)
}

// builtAndRegistry builds slipway as it is released, and starts a registry that keeps its
// blobs on disk.
func builtAndRegistry(b *testing.B) (binary, host string) {
	b.Helper()
	binary = filepath.Join(b.TempDir(), "slipway")
	execute(b, testenv.Root(b), "go", "build", "-o", binary, "./cmd/slipway")
	handler, err := registry.New(b.TempDir(), io.Discard)
	if err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(handler)
	b.Cleanup(server.Close)
	return binary, strings.TrimPrefix(server.URL, "http://")
}

// BenchmarkImageMemory builds and pushes an image with one file of 5 GB. It must not need
// more memory than an image with a small file.
func BenchmarkImageMemory(b *testing.B) {
	binary, host := builtAndRegistry(b)
	contender := func(name string, size int64) testenv.Contender {
		dir := b.TempDir()
		text := fmt.Sprintf("project: memory\nregistry: %s/%d\nimages: {model: {files: [model.bin]}}\n", host, size)
		if err := os.WriteFile(filepath.Join(dir, "slipway.yaml"), []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { stopSandbox(dir) })
		n := byte(0)
		return testenv.Contender{Name: name, Prepare: func(tb testing.TB) {
			n++ // another file each time, so that it is pushed again
			file, err := os.Create(filepath.Join(dir, "model.bin"))
			if err == nil {
				_, err = file.Write([]byte{n})
			}
			if err = errors.Join(err, file.Truncate(size), file.Close()); err != nil {
				tb.Fatal(err)
			}
		}, Run: func(tb testing.TB) int64 { return execute(tb, dir, binary, "build") }}
	}
	testenv.Compare(b, contender("1 MB", 1e6), contender("5 GB", 5e9))
}

// stopSandbox stops the sandbox that a command left running in the background.
func stopSandbox(dir string) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if running, err := sandbox.Running(ctx, filepath.Join(dir, ".slipway", "sandbox")); err == nil {
		_ = running.Stop(ctx)
	}
}

// execute runs a program to its end and returns its peak resident memory in bytes.
func execute(tb testing.TB, dir, name string, args ...string) int64 {
	c := exec.Command(name, args...)
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		tb.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return testenv.Peak(c.ProcessState)
}
