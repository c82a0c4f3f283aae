// Package polyaxontest holds what every Polyaxon server must do for slipway: one
// suite for the sandbox's server and for real ones.
package polyaxontest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
	"github.com/slipway-ci/slipway/internal/run"
)

// Job says how a server that is under test is told to run a program: an operation
// whose container has this image, and command and arguments of a shell.
type Job struct {
	// Image is that of the container.
	Image string
	// Command gives the command line that does a thing: print TEXT, fail, sleep.
	Command func(verb, argument string) []string
}

func (j Job) operation(verb, argument string) string {
	var quoted []string
	for _, word := range j.Command(verb, argument) {
		quoted = append(quoted, fmt.Sprintf("%q", word))
	}
	return fmt.Sprintf(`{"version":1.1,"kind":"operation","component":{"kind":"component","version":1.1,"run":{"kind":"job","container":{"image":%q,"command":[%s]}}}}`,
		j.Image, strings.Join(quoted, ","))
}

// sink collects what a run does.
type sink struct {
	statuses []polyaxon.Status
	lines    []string
}

// Status implements run.Sink.
func (s *sink) Status(c polyaxon.Condition) { s.statuses = append(s.statuses, c.Type) }

// Waits implements run.Sink.
func (*sink) Waits(string) {}

// Note implements run.Sink.
func (*sink) Note(string) {}

// Line implements run.Sink.
func (s *sink) Line(l polyaxon.LogLine) { s.lines = append(s.lines, l.Value) }

// Contract is the suite.
func Contract(t *testing.T, c *polyaxon.Client, namespace string, job Job) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	t.Cleanup(cancel)
	const project = "contract"
	must := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	installation, err := c.Installation(ctx)
	must(t, err)
	if installation.Version != (schema.Version{Major: 2, Minor: 18}) {
		t.Errorf("the server says it is version %s", installation.Version)
	}
	must(t, c.EnsureProject(ctx, project))
	must(t, c.EnsureProject(ctx, project))

	submit := func(t *testing.T, verb, argument, key string) *run.Submitted {
		t.Helper()
		submitted, err := run.Submit(ctx, c, run.Submission{Project: project, Name: verb, Content: job.operation(verb, argument), Key: key})
		must(t, err)
		return submitted
	}
	target := func(s *run.Submitted) run.Target {
		return run.Target{Namespace: namespace, Project: project, UUID: s.Run.UUID, Kind: "job"}
	}

	t.Run("a run succeeds, once for its key", func(t *testing.T) {
		first := submit(t, "print", "hello", "t-a1")
		var seen sink
		outcome, err := run.Follow(ctx, c, target(first), run.FollowOptions{Logs: true}, &seen)
		must(t, err)
		if outcome.Run.Status != polyaxon.Succeeded || !slices.Equal(seen.lines, []string{"hello"}) {
			t.Errorf("the run %s and printed %q", outcome.Run.Status, seen.lines)
		}
		if last := seen.statuses[len(seen.statuses)-1]; last != polyaxon.Succeeded || !slices.Contains(seen.statuses, polyaxon.Running) {
			t.Errorf("statuses %v", seen.statuses)
		}
		if again := submit(t, "print", "hello", "t-a1"); again.How != run.UpToDate || again.Run.UUID != first.Run.UUID {
			t.Errorf("submitted again: %v, run %s", again.How, again.Run.UUID)
		}
	})
	t.Run("a run fails", func(t *testing.T) {
		failed := submit(t, "fail", "", "t-a2")
		outcome, err := run.Follow(ctx, c, target(failed), run.FollowOptions{Logs: true}, &sink{})
		must(t, err)
		if outcome.Run.Status != polyaxon.Failed {
			t.Errorf("the run %s", outcome.Run.Status)
		}
		if again := submit(t, "fail", "", "t-a2"); again.How != run.Created {
			t.Errorf("a failed run was not submitted anew: %v", again.How)
		}
	})
	t.Run("a run is stopped", func(t *testing.T) {
		long := submit(t, "sleep", "60", "t-a3")
		if again := submit(t, "sleep", "60", "t-a3"); again.How != run.Attached || again.Run.UUID != long.Run.UUID {
			t.Errorf("a run that goes on was not attached to: %v", again.How)
		}
		must(t, run.Stop(ctx, c, target(long)))
		outcome, err := run.Follow(ctx, c, target(long), run.FollowOptions{Logs: true}, &sink{})
		must(t, err)
		if outcome.Run.Status != polyaxon.Stopped {
			t.Errorf("the run %s", outcome.Run.Status)
		}
		must(t, c.Stop(ctx, project, long.Run.UUID)) // a second time is no error
		restarted, err := c.Restart(ctx, project, long.Run.UUID, polyaxon.CreateRun{})
		must(t, err)
		must(t, c.Stop(ctx, project, restarted.UUID))
		if restarted.UUID == long.Run.UUID {
			t.Error("a restart has its original's uuid")
		}
	})
	t.Run("an operation that does not compile fails", func(t *testing.T) {
		content := strings.Replace(job.operation("print", "x"), `"run":`, `"inputs":[{"name":"x","type":"int"}],"run":`, 1)
		created, err := c.CreateRun(ctx, project, polyaxon.CreateRun{Content: content, Name: "uncompiled"})
		must(t, err)
		status, conditions, err := c.Statuses(ctx, project, created.UUID)
		must(t, err)
		last := conditions[len(conditions)-1]
		if status != polyaxon.Failed || last.Reason != "SchedulerPrepare" || !strings.HasPrefix(last.Message, "Failed to compile.\nCompilation Error: The Polyaxonfile has non optional inputs") {
			t.Errorf("status %s, reason %s, message %q", status, last.Reason, last.Message)
		}
	})
	t.Run("what is wrong is refused", func(t *testing.T) {
		for name, content := range map[string]string{
			"unknown key": strings.Replace(job.operation("print", "x"), `"kind":"job"`, `"kind":"job","foo":1`, 1),
			"no YAML":     "{",
			"no run":      `{"version":1.1,"kind":"operation","component":{"kind":"component"}}`,
		} {
			_, err := c.CreateRun(ctx, project, polyaxon.CreateRun{Content: content})
			var refused *polyaxon.Error
			if !errors.As(err, &refused) || refused.Kind != polyaxon.Invalid || len(refused.Messages) == 0 {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := c.Run(ctx, project, strings.Repeat("0", 32)); !polyaxon.IsNotFound(err) {
			t.Errorf("a run that does not exist: %v", err)
		}
		if _, err := c.CreateRun(ctx, "nowhere", polyaxon.CreateRun{Content: job.operation("print", "x")}); !polyaxon.IsNotFound(err) {
			t.Errorf("a project that does not exist: %v", err)
		}
		if _, _, err := c.Runs(ctx, project, polyaxon.Query{Query: "bogus:1"}); err == nil {
			t.Error("a query for what is not there was answered")
		}
	})
	t.Run("files are stored and listed", func(t *testing.T) {
		of := submit(t, "print", "files", "t-a4")
		_, err := run.Follow(ctx, c, target(of), run.FollowOptions{}, &sink{})
		must(t, err)
		file := func(path string) polyaxon.Artifact {
			return polyaxon.Artifact{Namespace: namespace, Project: project, UUID: of.Run.UUID, Path: path}
		}
		must(t, c.Upload(ctx, file("outputs/model/weights.bin"), []byte("weights")))
		must(t, c.Upload(ctx, file("events/metric/loss.plx"), []byte("step|timestamp|metric\n0|2026-11-23 20:00:00+00:00|0.5\n1|2026-11-23 20:00:01+00:00|nan\n2|2026-11-23 20:00:02+00:00|0.25")))
		body, err := c.Artifact(ctx, file("outputs/model/weights.bin"))
		must(t, err)
		text, err := io.ReadAll(body)
		must(t, errors.Join(err, body.Close()))
		if string(text) != "weights" {
			t.Errorf("downloaded %q", text)
		}
		if _, err := c.Artifact(ctx, file("outputs/nothing")); !polyaxon.IsNotFound(err) {
			t.Errorf("a file that does not exist: %v", err)
		}
		if _, _, err := c.Tree(ctx, file("../..")); err == nil {
			if files, _, _ := c.Tree(ctx, file("../..")); len(files) > 0 && files["weights.bin"] == 0 {
				t.Logf("a path that leaves the run answers %v", files)
			}
		}
		outcome, err := run.Summarize(ctx, c, target(of))
		must(t, err)
		if outcome.Metrics["loss"] != 0.25 || !slices.Contains(outcome.Outputs, "model/weights.bin") {
			t.Errorf("metrics %v, outputs %v", outcome.Metrics, outcome.Outputs)
		}
		must(t, c.Patch(ctx, project, of.Run.UUID, polyaxon.Patch{Outputs: map[string]any{"best": "yes"}}))
		must(t, c.AddLineage(ctx, project, of.Run.UUID, []polyaxon.Lineage{{Name: "model", Kind: "model", Path: "outputs/model"}}))
		lineage, err := c.Lineage(ctx, project, of.Run.UUID)
		must(t, err)
		told, err := c.Run(ctx, project, of.Run.UUID)
		must(t, err)
		if told.Outputs["best"] != "yes" || len(lineage) == 0 {
			t.Errorf("outputs %v, lineage %v", told.Outputs, lineage)
		}
	})
	t.Run("a run is deleted", func(t *testing.T) {
		doomed := submit(t, "print", "doomed", "t-a5")
		must(t, c.Delete(ctx, project, doomed.Run.UUID))
		must(t, c.Delete(ctx, project, doomed.Run.UUID))
		if found, err := run.Find(ctx, c, run.Submission{Project: project, Name: "print", Key: "t-a5"}); err != nil || found != nil {
			t.Errorf("found %v, %v", found, err)
		}
	})
	t.Run("submitters at the same moment end with one run", func(t *testing.T) {
		results := make(chan *run.Submitted, 4)
		errs := make(chan error, 4)
		for range 4 {
			go func() {
				s, err := run.Submit(ctx, c, run.Submission{Project: project, Name: "race", Content: job.operation("sleep", "60"), Key: "t-a6"})
				results <- s
				errs <- err
			}()
		}
		winners := map[string]bool{}
		for range 4 {
			must(t, <-errs)
			winners[(<-results).Run.UUID] = true
		}
		if len(winners) != 1 {
			t.Errorf("%d runs won: %v", len(winners), winners)
		}
		for uuid := range winners {
			must(t, c.Stop(ctx, project, uuid))
		}
	})
}
