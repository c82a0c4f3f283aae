package mage_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/sandbox"
	"github.com/slipway-ci/slipway/internal/testenv"
)

// TestOutside compiles and runs the programs of docs/api.md as they are printed, in a module
// of its own: a magefile with slipway's targets, a magefile that calls a task and reads its
// result, a program without mage, and one without cli. Another such program does not ask
// whether it was started to serve the sandbox. It must end, with an error that says what to do.
func TestOutside(t *testing.T) {
	root := testenv.Root(t)
	page, err := os.ReadFile(filepath.Join(root, "docs", "api.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	if len(blocks) != 4 {
		t.Fatalf("docs/api.md has %d programs", len(blocks))
	}
	dir := t.TempDir()
	program, err := os.ReadFile(filepath.Join(root, "cmd", "slipway", "testdata", "job", "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"go.mod": module(t, root), "go.sum": string(sums), "job/main.go": string(program),
		"slipway.yaml": "project: outside\nimages: {job: {go: {main: ./job}}}\njobs: {job: {polyaxonfile: job.yml, image: job}}\n",
		"job.yml":      "version: 1.1\nkind: component\ninputs: [{name: DOCKER_IMAGE, type: str}]\nrun: {kind: job, container: {image: '{{ DOCKER_IMAGE }}', args: ['print=hello']}}\n",
	} {
		write(t, dir, name, text)
	}
	t.Cleanup(func() {
		if running, err := sandbox.Running(t.Context(), filepath.Join(dir, ".slipway", "sandbox")); err == nil {
			_ = running.Stop(t.Context())
		}
	})
	setUp := regexp.MustCompile("(?m)^    (go mod .*)$").FindAllStringSubmatch(string(page), -1)
	if len(setUp) != 3 {
		t.Fatalf("docs/api.md has %d commands for go.mod", len(setUp))
	}
	plain := func(text string) func() (string, error) {
		return func() (string, error) {
			write(t, dir, "plain/main.go", text)
			return runGo(t, dir, "run", "-mod=mod", "./plain")
		}
	}
	mage := func(text string, targets ...string) func() (string, error) {
		return func() (string, error) {
			write(t, dir, "magefile.go", text)
			return runGo(t, dir, append([]string{"run", "-mod=mod", "github.com/magefile/mage"}, targets...)...)
		}
	}
	asks := regexp.MustCompile(`(?s)\tif app.Started\(\).*?\n\t}\n`)
	for n, example := range []struct {
		run   func() (string, error)
		want  string
		fails bool
	}{
		{mage(blocks[0][1], "-l"), `(?s)deploy +builds.*secrets:sync +writes`, false},
		{plain(asks.ReplaceAllString(blocks[2][1], "")), `the sandbox exited at start .*\n.*call App.Serve at the beginning of main`, true},
		{plain(blocks[2][1]), `1 jobs ended`, false},
		{plain(blocks[3][1]), `(?s)image job took .*run job is succeeded`, false},
		{mage(blocks[1][1], "publish"), `(?s)job succeeded with run [0-9a-f]{32}.*published`, false},
		{mage(blocks[1][1]), `job succeeded with run [0-9a-f]{32}`, false},
	} {
		if n > 1 && !testenv.Thorough() {
			continue // links, a sandbox, and modules that only the tests of dependencies need
		}
		if n > 2 {
			setUpAsPrinted(t, dir, root, setUp[0][1], setUp[2][1], setUp[1][1])
		}
		if out, err := example.run(); (err != nil) != example.fails || !regexp.MustCompile(example.want).MatchString(out) {
			t.Errorf("example %d: %v\n%s", n, err, out)
		}
	}
}

// runGo runs a go command in dir and returns its output. It runs at most five minutes.
func runGo(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, "go", args...)
	command.Dir, command.WaitDelay = dir, time.Minute
	command.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GITHUB_ACTIONS=", "MAGEFILE_CACHE="+filepath.Join(dir, ".mage"))
	out, err := command.CombinedOutput()
	return string(out), err
}

// write writes a file below dir.
func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// module returns a go.mod that requires slipway, where this repository is, and all that
// slipway requires.
func module(t *testing.T, root string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "\n")
	return "module example.com/team\n" + rest + "\nrequire github.com/slipway-ci/slipway v0.0.0\n\nreplace github.com/slipway-ci/slipway => " + root + "\n"
}

// setUpAsPrinted makes a go.mod by commands of docs/api.md, with the path of slipway there
// replaced by root.
func setUpAsPrinted(t *testing.T, dir, root string, commands ...string) {
	t.Helper()
	for _, name := range []string{"go.mod", "go.sum"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, text := range commands {
		text, _, _ = strings.Cut(text, "#")
		command := exec.CommandContext(t.Context(), "go", strings.Fields(strings.Replace(text, "../slipway", root, 1))[1:]...)
		command.Dir, command.Env = dir, append(os.Environ(), "GOFLAGS=")
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", text, err, out)
		}
	}
}
