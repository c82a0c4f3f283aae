package actions_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/testenv"
)

// TestWorkflow runs workflows/deploy.yml with act, as users copy it: once with a job that
// succeeds and once with one that fails. All actions but slipway's are replaced by ones
// that do nothing.
func TestWorkflow(t *testing.T) {
	act := testenv.Act(t)
	root := testenv.Root(t)
	workflow, err := os.ReadFile(filepath.Join(root, "workflows", "deploy.yml"))
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(filepath.Join(root, "cmd", "slipway", "testdata", "job", "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	source := tracked(t, root)
	for _, test := range []struct {
		name, args string
		succeeds   bool
		wants      []string
	}{
		{"a job that succeeds", `["print=hello", "print=::set-output name=forged::yes"]`, true, []string{
			`set-output:: status=succeeded`, `set-output:: run-uuid=[0-9a-f]{32}`, `set-output:: images=.*/job@sha256:`,
			`## slipway deploy: succeeded`, `job \| .*hello`, `run [0-9a-f]{32} succeeded`, `Job succeeded`,
		}},
		{"a job that fails", `["print=cannot find the data", "exit=3"]`, false, []string{
			`set-output:: status=failed`, `## slipway deploy: failed \(exit code 1\)`, `its last lines:`, `cannot find the data`, `run [0-9a-f]{32} failed`, `Job failed`,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.succeeds && !testenv.Thorough() {
				t.Skip("one workflow is enough outside of CI")
			}
			files := map[string]string{
				"repo/.github/workflows/deploy.yml": string(workflow), "repo/job/main.go": string(program), "repo/go.mod": "module story\ngo 1.26\n",
				"repo/slipway.yaml": "project: story\nimages: {job: {go: {main: ./job}}}\njobs: {job: {polyaxonfile: job.yml, image: job}}\n",
				"repo/job.yml": "version: 1.1\nkind: component\ninputs:\n- {name: DOCKER_IMAGE, type: str}\nrun:\n  kind: job\n  container:\n    image: \"{{ DOCKER_IMAGE }}\"\n    args: " +
					test.args + "\n",
				"nothing/action.yml": "name: nothing\nruns: {using: composite, steps: [{shell: bash, run: \"true\"}]}\n",
			}
			out, err := runWorkflow(t, act, source, files, string(workflow))
			if groups := strings.Count(string(out), "::group::"); groups > strings.Count(string(out), "::endgroup::") {
				t.Log("act does not show the end of a step, as was seen on a busy machine: once more")
				out, err = runWorkflow(t, act, source, files, string(workflow))
			}
			if (err == nil) != test.succeeds {
				t.Errorf("act: %v", err)
			}
			for _, want := range test.wants {
				if !regexp.MustCompile(want).Match(out) {
					t.Errorf("the workflow never said %s", want)
				}
			}
			if strings.Contains(string(out), "set-output:: forged") {
				t.Error("a job's line became an output")
			}
			if t.Failed() {
				t.Logf("%s", out)
			}
		})
	}
}

// runWorkflow runs a workflow by act in a repository with these files.
func runWorkflow(t *testing.T, act, source string, files map[string]string, workflow string) ([]byte, error) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	repo := filepath.Join(dir, "repo")
	for _, args := range [][]string{{"init", "-q", "-b", "main"}, {"add", "-A"}, {"-c", "user.name=test", "-c", "user.email=test@example.com", "commit", "-q", "-m", "test"}} {
		git := exec.CommandContext(t.Context(), "git", args...)
		git.Dir = repo
		if out, err := git.CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v\n%s", args[0], err, out)
		}
	}
	args := []string{"push", "-P", "ubuntu-latest=-self-hosted", "--no-cache-server", "--local-repository", "slipway-ci/slipway@v1=" + source}
	for _, used := range regexp.MustCompile(`uses: (actions/[^ ]+@[0-9a-f]{40})`).FindAllStringSubmatch(workflow, -1) {
		args = append(args, "--local-repository", used[1]+"="+filepath.Join(dir, "nothing"))
	}
	command := exec.CommandContext(t.Context(), act, args...)
	command.Dir = repo
	command.Env = append(os.Environ(), "XDG_CACHE_HOME="+filepath.Join(dir, "cache"), "GOCACHE="+goCache(t))
	return command.CombinedOutput()
}

// tracked copies the files that a checkout of the action would have, as act copies all
// files of a directory.
func tracked(t *testing.T, root string) string {
	t.Helper()
	list := exec.CommandContext(t.Context(), "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate")
	list.Dir = root
	names, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name := range strings.SplitSeq(strings.TrimSuffix(string(names), "\x00"), "\x00") {
		text, err := os.ReadFile(filepath.Join(root, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted in the working tree
		}
		path := filepath.Join(dir, name)
		if err := errors.Join(err, os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, text, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// goCache returns the directory of this machine's build cache. Without it the action
// would take minutes to build slipway.
func goCache(t *testing.T) string {
	out, err := exec.CommandContext(t.Context(), "go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}
