package cli

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/actions"
	"github.com/slipway-ci/slipway/internal/printer"
	"github.com/slipway-ci/slipway/tasks"
	"github.com/slipway-ci/slipway/tasks/report"
)

// played returns a workflow whose clock is controlled by the test.
func played(log *bytes.Buffer, now *time.Time) *workflow {
	commands, _ := actions.New(log, func(text string) string { return text }, func(name string) (string, bool) { return "true", name == "GITHUB_ACTIONS" })
	clock := func() time.Time { return *now }
	return newWorkflow(commands, Open().open(), printer.Lines(log, printer.Style{Now: clock}), clock)
}

// TestWorkflowReportsProgress runs a download, a build and a job's progress bar for a minute
// each. The log must have a line for each every 15 s, and lines of a job must stay in their
// group.
func TestWorkflowReportsProgress(t *testing.T) {
	var log bytes.Buffer
	now := time.Unix(0, 0)
	w := played(&log, &now)
	w.Event(report.Event{Kind: report.Advance, Step: "image", Subject: "train", Message: "downloading torch, 1 of 2 packages"})
	for second := range 62 {
		now = time.Unix(int64(second), 0)
		w.Event(report.Event{Kind: report.Progress, Step: "image", Subject: "train", Message: "torch: " + printer.Part(int64(second)*1e6, 62e6)})
		w.Event(report.Event{Kind: report.Progress, Step: "run", Subject: "train", Message: "epoch " + now.UTC().Format("05")})
		if second == 20 {
			w.Event(report.Event{Kind: report.Line, Step: "run", Subject: "train", Message: "reading"})
			w.Event(report.Event{Kind: report.Line, Step: "run", Subject: "train", Message: "training"})
		}
	}
	w.close()
	want := `· image    train  downloading torch, 1 of 2 packages
· image    train  torch: 15.0 MB of 62.0 MB
· run      train  epoch 15
::group::log of train
  train | reading
  train | training
::endgroup::
· image    train  torch: 30.0 MB of 62.0 MB
· run      train  epoch 30
· image    train  torch: 45.0 MB of 62.0 MB
· run      train  epoch 45
· image    train  torch: 60.0 MB of 62.0 MB
· run      train  epoch 00
`
	if log.String() != want {
		t.Errorf("got\n%s\nwant\n%s", log.String(), want)
	}
}

// TestWorkflowPrintsCausesOnce checks that only the annotation says why a run failed.
func TestWorkflowPrintsCausesOnce(t *testing.T) {
	t.Setenv("GITHUB_ACTIONS", "true")
	t.Setenv("GITHUB_STEP_SUMMARY", t.TempDir()+"/summary")
	t.Setenv("GITHUB_OUTPUT", t.TempDir()+"/output")
	var out, log bytes.Buffer
	d := Open()
	d.Stdout, d.Stderr = &out, &log
	failed := &tasks.RunError{Job: "train", UUID: strings.Repeat("0123456789abcdef", 2), Status: "failed", Message: "killed for want of memory", LastLines: []string{"epoch 3"}, Followed: true, Reported: true}
	err := d.Run(t.Context(), func(_ context.Context, env *tasks.Env) (*report.Result, error) {
		env.Events.Event(report.Event{Kind: report.Line, Step: "run", Subject: "train", Message: "epoch 3"})
		env.Events.Event(report.Event{Kind: report.Status, Step: "run", Subject: "train", Run: "r1", Status: "failed", Message: "killed for want of memory"})
		env.Events.Event(report.Event{Kind: report.Status, Step: "run", Subject: "tune/3", Run: "r2", Status: "failed", Message: "exit code 4"})
		return &report.Result{Command: "deploy", Jobs: []report.Job{{Name: "train", Run: report.Run{Status: "failed", Message: failed.Message}}}}, failed
	})
	if !errors.As(err, new(*ExitError)) {
		t.Fatal(err)
	}
	said := out.String() + log.String()
	if strings.Count(said, "killed for want of memory") != 1 || !strings.Contains(said, "::error title=slipway deploy::job train: run 01234567 failed: killed") || !strings.Contains(said, "✗ run      train  failed\n") || !strings.Contains(said, "✗ run      tune/3  failed: exit code 4\n") {
		t.Error(said)
	}
}

// TestLongErrorsAreWhole checks that the log has the whole output of a compiler when the
// annotation is cut.
func TestLongErrorsAreWhole(t *testing.T) {
	t.Setenv("GITHUB_ACTIONS", "true")
	var out, log bytes.Buffer
	d := Open()
	d.Stdout, d.Stderr = &out, &log
	_ = d.Run(t.Context(), func(context.Context, *tasks.Env) (*report.Result, error) {
		return nil, errors.New("go build failed:\n" + strings.Repeat("main.go:1:1: undefined\n", 300) + "the last line")
	})
	if !strings.Contains(log.String(), "::error ") || strings.Count(log.String(), "the last line") != 1 {
		t.Error(log.String())
	}
}

// TestWorkflowGroups checks that the lines of one job are a group, that those of jobs side by
// side are not torn into many, and that a warning is an annotation.
func TestWorkflowGroups(t *testing.T) {
	var log bytes.Buffer
	now := time.Unix(0, 0)
	w := played(&log, &now)
	status := func(job, status string) {
		w.Event(report.Event{Kind: report.Status, Step: "run", Subject: job, Run: "r", Status: status})
	}
	line := func(job, text string) {
		w.Event(report.Event{Kind: report.Line, Step: "run", Subject: job, Message: text})
	}
	status("a", "running")
	line("a", "one")
	w.Event(report.Event{Kind: report.Detail, Step: "run", Subject: "a", Message: "hidden"})
	line("a", "two")
	status("b", "queued")
	line("a", "three")
	line("b", "four")
	line("a", "five")
	status("a", "succeeded")
	line("b", "six")
	status("b", "succeeded")
	status("c", "running") // a matrix: its runs print, and it does not
	status("c/0", "running")
	line("c/0", "seven")
	status("c/1", "running")
	line("c/0", "eight")
	line("c/1", "nine")
	status("c/0", "succeeded")
	line("c/1", "ten")
	w.Event(report.Event{Kind: report.Warning, Message: "50% of\nthem"})
	w.close()
	want := `→ run      a  running
::group::log of a
  a | one
  a | two
::endgroup::
→ run      b  queued
  a | three
  b | four
  a | five
→ run      a  succeeded
::group::log of b
  b | six
::endgroup::
→ run      b  succeeded
→ run      c  running
→ run      c/0  running
::group::log of c/0
  c/0 | seven
::endgroup::
→ run      c/1  running
  c/0 | eight
  c/1 | nine
→ run      c/0  succeeded
::group::log of c/1
  c/1 | ten
::endgroup::
::warning title=slipway::50%25 of%0Athem
`
	if log.String() != want {
		t.Errorf("got\n%s\nwant\n%s", log.String(), want)
	}
}

// TestWorkflowShowsWhereItFailed checks that the annotation of a failed Python job is at the
// line of the repository that raised the error.
func TestWorkflowShowsWhereItFailed(t *testing.T) {
	top := t.TempDir()
	git := filepath.Join(top, ".git")
	if err := errors.Join(os.Mkdir(git, 0o755), os.WriteFile(filepath.Join(git, "HEAD"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GITHUB_ACTIONS", "true")
	var out bytes.Buffer
	a := Open()
	a.Stdout, a.Stderr = &out, &out
	_ = a.Run(t.Context(), func(context.Context, *tasks.Env) (*report.Result, error) {
		return nil, &tasks.RunError{Job: "train", UUID: strings.Repeat("0", 32), Status: "failed", At: report.Position{File: filepath.Join(top, "ml", "train.py"), Line: 7}}
	})
	if want := "::error file=ml/train.py,line=7,title=slipway::job train: run 00000000 failed"; !strings.HasPrefix(out.String(), want) {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}
