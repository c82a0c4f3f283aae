package image

import (
	"context"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/slipway-ci/slipway/internal/machine"
)

func program() files {
	return files{
		"go.mod":            "module example.com/quick\n\ngo 1.24\n",
		"cmd/train/main.go": "package main\n\nimport \"os\"\n\nfunc main() { os.Stdout.WriteString(\"trained\\n\") }\n",
		"lib/lib.go":        "package lib\n",
		"data/wine.csv":     "1,2\n",
	}
}

func goSpec(dir string) Spec {
	return Spec{Name: "train", Dir: dir, Kind: KindGo, Main: "./cmd/train", Files: []string{"data"}, At: at, Environ: os.Environ(),
		Platforms: []v1.Platform{{OS: "linux", Architecture: "amd64"}}}
}

func TestBuildGo(t *testing.T) {
	t.Parallel()
	dir := program().write(t)
	made := build(t, goSpec(dir), nil)
	config, err := made.V1.ConfigFile()
	must(t, err)
	if diff := cmp.Diff([]string{"/app/train"}, config.Config.Entrypoint); diff != "" {
		t.Error(diff)
	}
	got := contents(t, made.V1)
	for _, want := range []string{"layer 1\n5 0755 app/ \"\" \n5 0755 app/data/", `0 0644 app/data/wine.csv "1,2\n"`, "layer 2\n5 0755 app/ \"\" \n0 0755 app/train \"\\x7fELF"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%.300s", want, got)
		}
	}

	other := program().write(t)
	if again := build(t, goSpec(other), nil); again.Digest != made.Digest || again.Inputs != made.Inputs {
		t.Errorf("in another directory the digest is %s, inputs %s; was %s, inputs %s", again.Digest, again.Inputs, made.Digest, made.Inputs)
	}
	binaries, err := filepath.Glob(filepath.Join(cacheDir(dir), "go", "*", "program"))
	if err != nil || len(binaries) != 1 {
		t.Fatalf("the cache has %v, %v", binaries, err)
	}
	text, err := os.ReadFile(binaries[0])
	must(t, err)
	if strings.Contains(string(text), dir) {
		t.Error("the program names the directory it was built in")
	}
	info, err := buildinfo.ReadFile(binaries[0])
	must(t, err)
	for _, s := range info.Settings {
		if strings.HasPrefix(s.Key, "vcs") || s.Key == "CGO_ENABLED" && s.Value != "0" {
			t.Errorf("the program was built with %s=%s", s.Key, s.Value)
		}
	}

	// The go command trusts the build ID, so a damaged program must be detected.
	damage(t, binaries[0])
	if again := build(t, goSpec(dir), nil); again.Digest != made.Digest {
		t.Errorf("after damage to the kept program the digest is %s; was %s", again.Digest, made.Digest)
	}

	// A program that came with the tree must not be used, even with a matching sum.
	damage(t, binaries[0])
	planted, err := os.ReadFile(binaries[0])
	must(t, err)
	last := readLastBuild(binaries[0])
	last.Program = fmt.Sprintf("%x", sha256.Sum256(planted))
	text, err = json.Marshal(last)
	must(t, err)
	must(t, os.WriteFile(lastBuildFile(binaries[0]), append([]byte(strings.Repeat("0", 64)+"\n"), text...), 0o644))
	if again := build(t, goSpec(dir), nil); again.Digest != made.Digest {
		t.Errorf("with a planted program the digest is %s; was %s", again.Digest, made.Digest)
	}
	kept := filepath.Dir(binaries[0])
	must(t, os.Rename(kept, kept+"-elsewhere"))
	must(t, os.Symlink(kept+"-elsewhere", kept))
	if _, err := Prepare(t.Context(), goSpec(dir), nil); !errors.As(err, new(*machine.OwnerError)) {
		t.Errorf("a cache that is a link: %v", err)
	}
	must(t, os.Remove(kept))

	// The user's own settings have no effect on the image.
	s := goSpec(dir)
	s.Environ = append(s.Environ, "GOFLAGS=-tags=other", "GOAMD64=v3", "CGO_ENABLED=1", "GOOS=plan9", "SECRET=x")
	if again := build(t, s, nil); again.Digest != made.Digest {
		t.Errorf("with another environment the digest is %s; was %s", again.Digest, made.Digest)
	}
}

func TestCompileError(t *testing.T) {
	tree := program()
	tree["cmd/train/main.go"] = "package main\n\nfunc main() {\n\tundefined()\n}\n"
	_, err := Prepare(t.Context(), goSpec(tree.write(t)), nil)
	var failed *BuildError
	if !errors.As(err, &failed) {
		t.Fatalf("%v; want a *BuildError", err)
	}
	if want := "cmd/train/main.go:4:2: undefined: undefined"; !strings.Contains(failed.Output, want) || !strings.Contains(err.Error(), want) {
		t.Errorf("%v; want %s", err, want)
	}
}

// If the disk is full when the go command writes, the error says so.
func TestDiskFullWhileCompiling(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the go command is played by a shell")
	}
	tools := files{"go*": "#!/bin/sh\necho 'write /x/program: no space left on device' >&2\nexit 1\n"}.write(t)
	s := goSpec(program().write(t))
	s.Environ = []string{"PATH=" + tools + string(os.PathListSeparator) + os.Getenv("PATH")}
	var failed *BuildError
	if _, err := Prepare(t.Context(), s, nil); !errors.As(err, &failed) || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("%v", err)
	}
}

func TestNotAProgram(t *testing.T) {
	s := goSpec(program().write(t))
	s.Main = "lib"
	_, err := Prepare(t.Context(), s, nil)
	wantSourceError(t, err, "the Go package lib is not a main package")
	s.Main = "cmd/train/main.go"
	_, err = Prepare(t.Context(), s, nil)
	wantSourceError(t, err, "the directory cmd/train/main.go of the Go package does not exist")
}

func TestFileAtTheProgramsPath(t *testing.T) {
	tree := program()
	tree["train/data.csv"] = "1\n"
	s := goSpec(tree.write(t))
	s.Files = []string{"train"}
	_, err := Prepare(t.Context(), s, nil)
	wantSourceError(t, err, "train/data.csv would be placed at /app/train/data.csv, where the program /app/train is placed (set workdir")
}

func TestProgramAtTheRoot(t *testing.T) {
	t.Parallel()
	tree := files{"go.mod": "module example.com/quick\n", "main.go": "package main\n\nfunc main() {}\n"}
	s := goSpec(tree.write(t))
	s.Main, s.Files = ".", nil
	if got := contents(t, build(t, s, nil).V1); !strings.Contains(got, "0755 app/train \"") {
		t.Errorf("the program of the root is not called by the image's name:\n%.100s", got)
	}
}

func TestWithoutGo(t *testing.T) {
	s := goSpec(program().write(t))
	s.Environ = []string{"PATH=" + t.TempDir()}
	if _, err := Prepare(t.Context(), s, nil); err == nil || !strings.Contains(err.Error(), "the go command was not found on the PATH") {
		t.Errorf("%v", err)
	}
}

func TestCancelledCompilation(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("sleep"); err != nil {
		t.Skip("no sleep here:", err)
	}
	// The go command hangs, and its child keeps the output open.
	tools := files{"go*": "#!/bin/sh\ntrap 'exit 1' INT\necho started >\"$TMPDIR/started\"\nsleep 40 &\nwait\n"}.write(t)
	room := t.TempDir()
	s := goSpec(program().write(t))
	s.Environ = []string{"PATH=" + tools + string(os.PathListSeparator) + os.Getenv("PATH"), "TMPDIR=" + room}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for ctx.Err() == nil {
			if _, err := os.Stat(filepath.Join(room, "started")); err == nil {
				cancel()
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	start := time.Now()
	_, err := Prepare(ctx, s, nil)
	if !errors.Is(err, context.Canceled) || time.Since(start) > 30*time.Second {
		t.Errorf("%v after %v", err, time.Since(start))
	}
}

// A build waits for the lock that another build holds, until the context is done.
func TestCompilationWaitsForTheLock(t *testing.T) {
	t.Parallel()
	dir := program().write(t)
	build(t, goSpec(dir), nil)
	locks, err := filepath.Glob(filepath.Join(cacheDir(dir), "go", "*", "lock"))
	if err != nil || len(locks) != 1 {
		t.Fatalf("locks are %v, %v", locks, err)
	}
	held := lockFile(t, locks[0])
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := Prepare(ctx, goSpec(dir), nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v; want the end of the context", err)
	}
	held()
	build(t, goSpec(dir), nil)
}

func TestGoEnvironmentHasNoSecrets(t *testing.T) {
	got := goEnvironment([]string{"PATH=/bin", "AWS_SECRET_ACCESS_KEY=x", "Path=/win", "GOFLAGS=-x", "https_proxy=p", "GOPRIVATE=a"})
	if diff := cmp.Diff([]string{"PATH=/bin", "Path=/win", "https_proxy=p", "GOPRIVATE=a"}, got); diff != "" {
		t.Error(diff)
	}
}
