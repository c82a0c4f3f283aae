package actions_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/github/githubtest"
	"github.com/slipway-ci/slipway/internal/testenv"
)

// flows is a repository with the workflows that ship, as users copy them, and one sandbox or server for all
// that act runs in it. slipway is taken as from a release, so that it is compiled once.
type flows struct {
	t      *testing.T
	github *githubtest.Server
	// repo is the repository, and bin the directory of slipway. source is a checkout of the action.
	repo, bin, source string
	ran               map[string]bool
}

// TestWorkflows runs each workflow that ships with act: pushes, pull requests of a branch and of a
// fork, a tag, a night, inputs, a call, a run that is followed later, one that fails, and one that
// is cancelled. They deploy to the sandbox, and to a real Polyaxon.
func TestWorkflows(t *testing.T) {
	if !testenv.Thorough() {
		t.Skip("they take a minute")
	}
	dir, root := t.TempDir(), testenv.Root(t)
	for name, pkg := range map[string]string{"slipway": "./cmd/slipway", "job": "./cmd/slipway/testdata/job"} {
		output(t, exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(dir, name), pkg), root)
	}
	t.Run("sandbox", func(t *testing.T) {
		runWorkflows(t, filepath.Join(dir, "slipway"), place{artifacts: "{{ globals.run_artifacts_path }}"})
	})
	t.Run("2.18", func(t *testing.T) {
		where := fmt.Sprintf("registry: %s/flows\npolyaxon: {host: %q}\n", testenv.Registry(t), testenv.Polyaxon(t))
		runWorkflows(t, filepath.Join(dir, "slipway"), place{where, fmt.Sprintf("command: [%q]", filepath.Join(dir, "job")), "."})
	})
}

// place is where the workflows deploy to: lines of slipway.yaml, which are none for the sandbox. The agent of the
// tests runs the command of a container as a process, in the directory of the run's artifacts.
type place struct{ config, command, artifacts string }

func runWorkflows(t *testing.T, program string, to place) {
	t.Parallel()
	f := newFlows(t, program, to)
	f.run("deploy.yml", "push", "", true, `status=succeeded`, `trained 1 epochs`, `run [0-9a-f]{32} succeeded`)

	f.run("pull-request.yml", "pull_request", pullRequest("acme/churn"), true, `## slipway check: succeeded`, `## slipway plan: succeeded`, `the comment is written: https://github.com/acme/churn/pull/7`)
	if all := f.github.Comments(); len(all) != 1 || !strings.Contains(all[0].Body, "slipway check") || !strings.Contains(all[0].Body, "slipway plan") {
		t.Errorf("the pull request has the comments %+v", all)
	}
	f.run("pull-request.yml", "pull_request", pullRequest("mallory/churn"), true, `::notice.*|left out, as a pull request of the fork mallory/churn gets no secrets`, `## slipway plan: only planned`,
		"--env", "SLIPWAY_FILE=cloud.yaml")

	f.run("release.yml", "push", `{"ref": "refs/tags/v1.2.0"}`, true, `v1\.2\.0`, `trained 1 epochs, production`, `status=succeeded`)
	if out := f.slipway("images"); !strings.Contains(out, "v1.2.0") {
		t.Errorf("no image has the tag:\n%s", out)
	}
	f.run("nightly.yml", "schedule", "", true, `trained 1 epochs`, `status=succeeded`)
	f.run("dispatch.yml", "workflow_dispatch", "", true, `trained 3 epochs, a \$\(touch owned\) b`, "--input", "epochs=3", "--input", "note=a $(touch owned) b")
	f.run("call.yml", "push", "", true, `trained 2 epochs, staging`, `status succeeded, \{"train":\{"accuracy":0.9\}\}`)
	f.ran["reusable.yml"] = true

	f.run("submit.yml", "workflow_dispatch", "", true, `train: submitted`, `follow it at `, "--env", "SLIPWAY_FILE=long.yaml")
	f.run("follow.yml", "workflow_dispatch", "", true, `trained 1 epochs, long`, `run succeeded`)
	if _, err := os.Stat(filepath.Join(f.repo, "owned")); err == nil {
		t.Error("an input became a command")
	}

	f.run("deploy.yml", "push", "", false, `status=failed`, `## slipway deploy: failed \(exit code 1\)`, `run [0-9a-f]{32} failed`, "--env", "SLIPWAY_FILE=failing.yaml")
	f.cancel(syscall.SIGINT)
	f.cancel(syscall.SIGHUP)

	shipped, err := filepath.Glob(filepath.Join(testenv.Root(t), "workflows", "*.yml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range shipped {
		if name := filepath.Base(path); name != "gitlab-ci.yml" && !f.ran[name] {
			t.Errorf("workflows/%s is not run", name)
		}
	}
}

// pullRequest returns the event of a pull request of a repository.
func pullRequest(from string) string {
	return `{"action": "opened", "number": 7, "pull_request": {"number": 7, "head": {"ref": "try", "sha": "0101010101010101010101010101010101010101", "repo": {"full_name": "` + from + `"}},
  "base": {"ref": "main", "sha": "0202020202020202020202020202020202020202", "repo": {"full_name": "acme/churn"}}}, "repository": {"full_name": "acme/churn"}}`
}

func newFlows(t *testing.T, slipway string, to place) *flows {
	dir, root := t.TempDir(), testenv.Root(t)
	f := &flows{t: t, github: githubtest.New(t), repo: filepath.Join(dir, "repo"), bin: filepath.Join(dir, "bin"), source: filepath.Join(dir, "action"), ran: map[string]bool{}}
	job, err := os.ReadFile(filepath.Join(root, "cmd", "slipway", "testdata", "job", "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	const jobs, common = "jobs: {train: {polyaxonfile: train.yml, image: job, params: {%s}}}\n", "project: churn\nimages: {job: {go: {main: ./job}}}\n"
	config := common + to.config
	files := map[string]string{
		"repo/job/main.go": string(job), "repo/go.mod": "module story\ngo 1.26\n", "repo/.gitignore": ".slipway/\nresults/\n",
		"repo/slipway.yaml": config + fmt.Sprintf(jobs, "") + "environments:\n  production: {" + strings.TrimSpace(fmt.Sprintf(jobs, "NOTE: production")) + "}\n  staging: {" + strings.TrimSpace(fmt.Sprintf(jobs, "NOTE: staging")) + "}\n",
		"repo/cloud.yaml":   common + "registry: registry.example.com/team\npolyaxon: {host: https://polyaxon.example.com, token: env:PLX}\n" + fmt.Sprintf(jobs, ""),
		"repo/long.yaml":    config + fmt.Sprintf(jobs, "NOTE: long, SLEEP: 2"),
		"repo/failing.yaml": config + fmt.Sprintf(jobs, "EXIT: 3"),
		"repo/slow.yaml":    config + fmt.Sprintf(jobs, "SLEEP: 120"),
		"repo/train.yml": fmt.Sprintf(`version: 1.1
kind: component
name: train
inputs:
- {name: DOCKER_IMAGE, type: str}
- {name: EPOCHS, type: int, value: 1, isOptional: true}
- {name: NOTE, type: str, value: "", isOptional: true}
- {name: SLEEP, type: int, value: 0, isOptional: true}
- {name: EXIT, type: int, value: 0, isOptional: true}
run:
  kind: job
  container:
    image: "{{ DOCKER_IMAGE }}"
    %s
    args:
    - "sleep={{ SLEEP }}"
    - "print=trained {{ EPOCHS }} epochs, {{ NOTE }}"
    - "metric=%s/events/metric/accuracy.plx:0.9"
    - "exit={{ EXIT }}"
`, to.command, to.artifacts),
		"repo/.github/workflows/call.yml": `on: push
jobs:
  train:
    uses: ./.github/workflows/reusable.yml
    with: {jobs: train, params: EPOCHS=2, environment: staging}
  report:
    needs: train
    runs-on: ubuntu-latest
    steps:
      - env: {STATUS: "${{ needs.train.outputs.status }}", METRICS: "${{ needs.train.outputs.metrics }}"}
        run: echo "status $STATUS, $METRICS"
`,
	}
	shipped, err := filepath.Glob(filepath.Join(root, "workflows", "*.yml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range shipped {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files["repo/.github/workflows/"+filepath.Base(path)] = string(text)
	}
	delete(files, "repo/.github/workflows/gitlab-ci.yml")
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"init", "-q", "-b", "main"}, {"remote", "add", "origin", "https://github.com/acme/churn"}, {"add", "-A"}, {"-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-q", "-m", "t"}} {
		output(t, exec.CommandContext(t.Context(), "git", args...), f.repo)
	}
	if err := errors.Join(os.Mkdir(f.bin, 0o755), os.Link(slipway, filepath.Join(f.bin, "slipway"))); err != nil {
		t.Fatal(err)
	}
	testenv.ActionRelease(t, f.source, filepath.Join(f.bin, "slipway"))
	testenv.LinkedCheckout(t, filepath.Join(dir, "checkout"), f.repo) // the repository itself, so that its sandbox is there for the next workflow
	if to.config != "" {
		return f
	}
	t.Cleanup(func() {
		stop := exec.CommandContext(context.Background(), filepath.Join(f.bin, "slipway"), "sandbox", "stop")
		stop.Dir = f.repo
		if out, err := stop.CombinedOutput(); err != nil {
			t.Errorf("stop the sandbox: %v\n%s", err, out)
		}
	})
	return f
}

// output returns the output of a command in a directory.
func output(t *testing.T, c *exec.Cmd, dir string) string {
	t.Helper()
	c.Dir = dir
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", c.Args, err, out)
	}
	return string(out)
}

// slipway runs a command of slipway in the repository.
func (f *flows) slipway(args ...string) string {
	f.t.Helper()
	return output(f.t, exec.CommandContext(f.t.Context(), filepath.Join(f.bin, "slipway"), args...), f.repo)
}

// act returns a command that runs a workflow for an event, which may be "" for act's own.
func (f *flows) act(workflow, name, event string, args ...string) *exec.Cmd {
	f.t.Helper()
	f.ran[workflow] = true
	path := filepath.Join(".github", "workflows", workflow)
	text, err := os.ReadFile(filepath.Join(f.repo, path))
	if err != nil {
		f.t.Fatal(err)
	}
	dir := filepath.Dir(f.repo)
	args = append([]string{
		name, "-W", path, "--bind", "--no-skip-checkout", "-P", "ubuntu-latest=-self-hosted", "--no-cache-server", "-s", "GITHUB_TOKEN=" + githubtest.Token,
		"--env", "GITHUB_API_URL=" + f.github.URL, "--local-repository", "slipway-ci/slipway@v1=" + f.source,
	}, args...)
	if event != "" {
		path := filepath.Join(dir, "event.json")
		if err := os.WriteFile(path, []byte(event), 0o644); err != nil {
			f.t.Fatal(err)
		}
		args = append(args, "-e", path)
	}
	text = append(text, []byte("uses: actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8")...) // also in a workflow that is called
	for _, used := range regexp.MustCompile(`uses: (actions/[^ ]+@[0-9a-f]{40})`).FindAllStringSubmatch(string(text), -1) {
		args = append(args, "--local-repository", used[1]+"="+filepath.Join(dir, "checkout"))
	}
	c := exec.CommandContext(f.t.Context(), filepath.Join(testenv.Act(f.t)), args...)
	c.Dir = f.repo
	c.Env = append(os.Environ(), "XDG_CACHE_HOME="+filepath.Join(dir, "cache"), "GOCACHE="+goCache(f.t), "PATH="+f.bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	return c
}

// run runs a workflow, which must succeed or fail, and whose log must match all expressions of
// more. From the first flag on, more are arguments for act.
func (f *flows) run(workflow, name, event string, succeeds bool, more ...string) {
	f.t.Helper()
	wants, args := more, []string(nil)
	for n, one := range more {
		if strings.HasPrefix(one, "--") {
			wants, args = more[:n], more[n:]
			break
		}
	}
	start := time.Now()
	out, err := f.act(workflow, name, event, args...).CombinedOutput()
	f.t.Logf("%s took %.1fs", workflow, time.Since(start).Seconds())
	if verdict := map[bool]string{true: "Job succeeded", false: "Job failed"}[succeeds]; (err == nil) != succeeds || !bytes.Contains(out, []byte(verdict)) {
		f.t.Errorf("%s: %v, want %s", workflow, err, verdict)
	}
	f.wants(workflow, out, wants...)
}

func (f *flows) wants(workflow string, out []byte, wants ...string) {
	f.t.Helper()
	for _, want := range wants {
		if !regexp.MustCompile(want).Match(out) {
			f.t.Errorf("%s never said %s", workflow, want)
		}
	}
	if f.t.Failed() {
		f.t.Fatalf("%s", out)
	}
}

// cancel cancels a deploy as GitHub's runner does: SIGINT to the process of the step, and SIGTERM
// 7.5 s later. SIGHUP is what the step gets when the terminal of a runner is closed. slipway must stop
// its run.
func (f *flows) cancel(first syscall.Signal) {
	f.t.Helper()
	c := f.act("deploy.yml", "push", "", "--env", "SLIPWAY_FILE=slow.yaml")
	log := &safeBuffer{}
	c.Stdout, c.Stderr = log, log
	if err := c.Start(); err != nil {
		f.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	step := 0
	for deadline := time.Now().Add(time.Minute); step == 0 && time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if strings.Contains(log.String(), "train  running") {
			step = f.step()
		}
	}
	if step == 0 {
		f.t.Fatalf("the run never ran:\n%s", log)
	}
	_ = syscall.Kill(step, first)
	select {
	case <-ended:
	case <-time.After(7500 * time.Millisecond):
		_ = syscall.Kill(step, syscall.SIGTERM)
		<-ended
	}
	f.wants("deploy.yml, cancelled", []byte(log.String()), `status=stopped`, `exit-code=130`, `run [0-9a-f]{32} stopped`)
	if out := f.slipway("runs", "-o", "json"); !strings.Contains(out, `"status": "stopped"`) || strings.Contains(out, `"status": "running"`) {
		f.t.Errorf("the run is not stopped:\n%s", out)
	}
}

// step returns the process of the step that runs slipway, or 0.
func (f *flows) step() int {
	links, _ := filepath.Glob("/proc/[0-9]*/exe")
	for _, link := range links {
		var pid int
		program, _ := os.Readlink(link)
		text, _ := os.ReadFile(filepath.Join(filepath.Dir(link), "cmdline"))
		if _, err := fmt.Sscanf(link, "/proc/%d/exe", &pid); err == nil && program == filepath.Join(f.bin, "slipway") && strings.HasSuffix(string(text), "\x00action\x00") {
			return pid
		}
	}
	return 0
}

// safeBuffer is a buffer for several goroutines.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (s *safeBuffer) Write(text []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(text)
}

// String returns what was written.
func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
