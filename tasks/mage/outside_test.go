package mage_test

import (
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

// TestOutside compiles and runs the magefiles of docs/api.md as they are printed, in a
// module of its own: one has slipway's targets, the other one calls a task and reads its
// result.
func TestOutside(t *testing.T) {
	root := testenv.Root(t)
	page, err := os.ReadFile(filepath.Join(root, "docs", "api.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	if len(blocks) != 2 {
		t.Fatalf("docs/api.md has %d magefiles", len(blocks))
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
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
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
	for n, run := range []struct{ args, want string }{
		{"-l", `(?s)deploy +builds.*secrets:sync +writes`},
		{"nightly", `job succeeded with run [0-9a-f]{32}`},
	} {
		if n > 0 && !testenv.Thorough() {
			continue // a link more, a sandbox, and modules that only the tests of dependencies need
		}
		if err := os.WriteFile(filepath.Join(dir, "magefile.go"), []byte(blocks[n][1]), 0o600); err != nil {
			t.Fatal(err)
		}
		if n > 0 {
			setUpAsPrinted(t, dir, root, setUp[0][1], setUp[2][1], setUp[1][1])
		}
		mage := exec.CommandContext(t.Context(), "go", "run", "-mod=mod", "github.com/magefile/mage", run.args)
		mage.Dir, mage.WaitDelay = dir, time.Minute
		mage.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GITHUB_ACTIONS=", "MAGEFILE_CACHE="+t.TempDir())
		out, err := mage.CombinedOutput()
		if err != nil || !regexp.MustCompile(run.want).Match(out) {
			t.Errorf("mage %s: %v\n%s", run.args, err, out)
		}
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
