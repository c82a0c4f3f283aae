package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/testenv"
	"github.com/slipway-ci/slipway/tasks"
)

const stagedMatrix = `version: 1.1
kind: operation
matrix:
  kind: grid
  concurrency: 2
  params:
    rate: {kind: choice, value: [1, 2, 3]}
component:
  inputs:
  - {name: DOCKER_IMAGE, type: str}
  - {name: rate, type: int}
  run:
    kind: job
    container: {image: "{{ DOCKER_IMAGE }}", command: [sh, -c, "echo the rate is {{ rate }}; %s"]}
`

// deploying returns the command that deploys a Polyaxonfile to the stage's server.
func (s *stage) deploying(t *testing.T, project, polyaxonfile string) *exec.Cmd {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, "job.yml"), []byte(polyaxonfile), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), "slipway", "deploy", "--no-attestations", "-C", s.dir, "prepare")
	command.Env = append(os.Environ(), "PROJECT="+project)
	return command
}

// TestMatrixIsFollowed deploys a matrix to a server that runs it. The lines of all its
// runs and the table of their results are printed. It then interrupts another deploy, and
// all runs of that matrix are stopped.
func TestMatrixIsFollowed(t *testing.T) {
	t.Parallel()
	s := newStage(t, testenv.Forward(t, shared.Polyaxon(t)))
	s.ends.Store(polyaxon.Running) // the server's agent ends the runs
	s.faults.Watch(nil)
	deploy := func(project, end string) *exec.Cmd {
		return s.deploying(t, project, fmt.Sprintf(stagedMatrix, end))
	}
	const logLoss = `mkdir -p events/metric; printf 'step|timestamp|metric\\n0|2026-11-23 12:30:15+00:00|{{ 3 - rate }}\\n' > events/metric/loss.plx`
	output, err := deploy("matrix-succeeds", logLoss).CombinedOutput()
	if err != nil || !strings.Contains(string(output), "prepare: submitted, succeeded") {
		t.Errorf("%v\n%s", err, output)
	}
	for rate := 1; rate <= 3; rate++ {
		if line := fmt.Sprintf("| the rate is %d\n", rate); strings.Count(string(output), line) != 1 {
			t.Errorf("the output has %q %d times:\n%s", line, strings.Count(string(output), line), output)
		}
	}
	again, err := deploy("matrix-succeeds", logLoss).CombinedOutput()
	if err != nil || !strings.Contains(string(again), "prepare: up-to-date, succeeded") {
		t.Errorf("%v\n%s", err, again)
	}
	table := regexp.MustCompile(`best first: the lowest loss\n +# +run +status +rate +loss *\n +\d +\w{8} +succeeded +3 +0 *\n +\d +\w{8} +succeeded +2 +1 *\n +\d +\w{8} +succeeded +1 +2 *\n`)
	for _, told := range [][]byte{output, again} {
		if !table.Match(told) {
			t.Errorf("the table of runs is missing:\n%s", told)
		}
	}
	if runtime.GOOS == "windows" {
		return // Windows cannot send signals
	}
	command := deploy("matrix-is-stopped", "sleep 600")
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	alive := func() (count int) {
		for what, n := range s.runs("matrix-is-stopped") {
			if strings.HasSuffix(what, " running") {
				count += n
			}
		}
		return count
	}
	for deadline := time.Now().Add(time.Minute); alive() < 3 && time.Now().Before(deadline); { // the matrix and two of its runs
		time.Sleep(50 * time.Millisecond)
	}
	if err := command.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = command.Wait()
	if code := command.ProcessState.ExitCode(); code != tasks.ExitInterrupted {
		t.Errorf("exit code %d", code)
	}
	for deadline := time.Now().Add(time.Minute); alive() > 0; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("runs go on: %v", s.runs("matrix-is-stopped"))
		}
	}
}

// TestMatrixIsRefusedBeforehand deploys a matrix to a server that does not support it.
// The error has the line of the matrix, and nothing is built, synced or submitted.
func TestMatrixIsRefusedBeforehand(t *testing.T) {
	s := newStage(t, oldServer(t))
	if err := os.WriteFile(filepath.Join(s.dir, "job.yml"), fmt.Appendf(nil, stagedMatrix, "true"), 0o600); err != nil {
		t.Fatal(err)
	}
	end := s.during(func(_ int, r *http.Request, _ bool) {
		if r.Method != http.MethodGet && !r.URL.Query().Has("dryRun") {
			t.Errorf("it sends %s %s", r.Method, r.URL.Path)
		}
	})
	defer end()
	code, err := s.deploy(t.Context(), s.project(), tasks.DeployOptions{})
	if code != tasks.ExitUsage || !strings.Contains(err.Error(), "job.yml:3:1: the community edition of Polyaxon 1.11.3 does not support matrix") || !strings.Contains(err.Error(), "matrix: expand") {
		t.Errorf("exit code %d: %v", code, err)
	}
}
