package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/pipeline"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/tasks/exit"
)

// describe returns names, actions and statuses of ended jobs.
func describe(all []pipeline.JobResult) string {
	var texts []string
	for _, e := range all {
		texts = append(texts, strings.Join([]string{e.Name, e.Action.String(), string(e.Status)}, " "))
	}
	return strings.Join(texts, ", ")
}

const diamond = `  a: {polyaxonfile: a.yml}
  b: {polyaxonfile: a.yml, params: {y: b}, after: [a]}
  c: {polyaxonfile: a.yml, params: {y: c}, after: [a]}
  d: {polyaxonfile: a.yml, params: {y: d}, after: [b, c]}
  e: {polyaxonfile: a.yml, params: {y: e}}
`

// TestOrder checks that each job is submitted once its own upstream has succeeded, and no
// later.
func TestOrder(t *testing.T) {
	t.Parallel()
	s := &server{}
	// e ends last of all: nothing may wait for it. b and c end only when both are active.
	s.ends = func(s *server, r *oneRun) {
		count := func(name string, active bool) (n int) {
			for _, r := range s.runs {
				if r.name == name && (!active || r.active()) {
					n++
				}
			}
			return n
		}
		switch {
		case r.name == "e" && (count("d", false) == 0 || count("d", true) > 0):
		case r.name == "b" && count("c", false) == 0, r.name == "c" && count("b", false) == 0:
		default:
			r.status = "succeeded"
		}
	}
	p, jobs := connect(t, s, diamond, nil, "a", "b", "c", "d", "e")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	all, err := p.Run(ctx, jobs)
	if want := "a submitted succeeded, b submitted succeeded, c submitted succeeded, d submitted succeeded, e submitted succeeded"; err != nil || describe(all) != want {
		t.Fatalf("%s: %v", describe(all), err)
	}
	order := strings.Fields(s.created())
	at := func(name string) int { return slices.Index(order, name) }
	if len(order) != 5 || at("a") > at("b") || at("a") > at("c") || at("d") < at("b") || at("d") < at("c") {
		t.Errorf("submitted %q", order)
	}
	again, err := p.Run(ctx, jobs)
	if want := "a up-to-date succeeded, b up-to-date succeeded, c up-to-date succeeded, d up-to-date succeeded, e up-to-date succeeded"; err != nil || describe(again) != want {
		t.Errorf("again: %s: %v", describe(again), err)
	}
}

// TestFailure checks that a job that fails stops what comes after it and nothing else, and
// that its error says which run it was and how it ended.
func TestFailure(t *testing.T) {
	t.Parallel()
	s := &server{ends: fail("b")}
	p, jobs := connect(t, s, diamond, nil, "a", "b", "c", "d", "e")
	all, err := p.Run(t.Context(), jobs)
	if want := "a submitted succeeded, b submitted failed, c submitted succeeded, d skip upstream_failed, e submitted succeeded"; describe(all) != want {
		t.Errorf("ended %s", describe(all))
	}
	if strings.Contains(s.created(), "d") || all[3].Message != "not submitted: b did not succeed" {
		t.Errorf("submitted %s; d: %s", s.created(), all[3].Message)
	}
	failed := new(exit.RunError)
	if !errors.As(err, &failed) || failed.Job != "b" || failed.UUID != all[1].UUID() || failed.Status != "failed" || strings.Count(err.Error(), "failed") > 2 {
		t.Errorf("the error is %v", err)
	}
}

// TestOutputs checks that values of upstream runs become params, that a new value makes
// another run, and what an error says about a value that does not exist.
func TestOutputs(t *testing.T) {
	t.Parallel()
	const jobs = "  a: {polyaxonfile: a.yml}\n  b: {polyaxonfile: a.yml, after: [a], params: {x: {ref: ops.a, value: outputs.%s}}}\n"
	for _, test := range []struct {
		value   string
		outputs map[string]any
		want    string
	}{
		{"loss", map[string]any{"loss": 0.25}, ""},
		{"loss", map[string]any{"los": 0.25, "acc": 1}, "slipway.yaml:5:52: run 00000000000000000000000000000001 of job a has no output loss (did you mean los?)"},
		{"loss", map[string]any{"size": 1, "acc": 1}, "has no output loss (it has acc, size)"},
		{"loss", nil, "has no output loss (it has none; a job sets its outputs with tracking.log_outputs(loss=...))"},
		{"loss", map[string]any{"loss": "small"}, "slipway.yaml:5:"},
	} {
		s := &server{ends: func(_ *server, r *oneRun) { r.status, r.outputs = "succeeded", test.outputs }}
		p, list := connect(t, s, fmt.Sprintf(jobs, test.value), nil, "a", "b")
		all, err := p.Run(t.Context(), list)
		if test.want == "" {
			if runs := s.named("b"); err != nil || len(runs) != 1 || !strings.Contains(runs[0].content, `"value":0.25`) {
				t.Errorf("%v: %v", describe(all), err)
			}
			continue
		}
		if at := new(source.Error); !errors.As(err, &at) || !strings.Contains(err.Error(), test.want) || s.created() != "a" {
			t.Errorf("outputs %v: %v\nwant %s; submitted %s", test.outputs, err, test.want, s.created())
		}
	}
}

// TestUpstreamRun checks that the UUID of an upstream run becomes a param.
func TestUpstreamRun(t *testing.T) {
	t.Parallel()
	s := &server{ends: func(_ *server, r *oneRun) { r.status = "succeeded" }}
	const reads = "version: 1.1\nkind: component\ninputs: [{name: RUN, type: str}]\nrun: {kind: job, container: {image: busybox, command: [\"true\"]}}\n"
	p, jobs := connect(t, s, "  a: {polyaxonfile: a.yml}\n  b: {polyaxonfile: b.yml, params: {RUN: {ref: ops.a, value: globals.uuid}}}\n", map[string]string{"b.yml": reads}, "a", "b")
	all, err := p.Run(t.Context(), jobs)
	if runs := s.named("b"); err != nil || len(runs) != 1 || !strings.Contains(runs[0].content, `"RUN":{"value":"`+all[0].UUID()+`"}`) {
		t.Errorf("%v: %v", describe(all), err)
	}
}

// TestConcurrency checks that as many runs of an expanded matrix are active at once as its
// concurrency says.
func TestConcurrency(t *testing.T) {
	t.Parallel()
	const limit, count = 3, 7
	s := &server{}
	s.ends = func(s *server, r *oneRun) {
		if r.asked > 2 && (s.active() >= limit || len(s.runs) == count) {
			r.status = "succeeded"
		}
	}
	p, jobs := connect(t, s, "  m: {polyaxonfile: m.yml, matrix: expand}\n", map[string]string{"m.yml": matrix(count, ", concurrency: 3")}, "m")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	all, err := p.Run(ctx, jobs)
	if err != nil || describe(all) != "m submitted succeeded" || all[0].Message != "7 of 7 runs succeeded" || s.most != limit {
		t.Errorf("%s, %s, %d active at once: %v", describe(all), all[0].Message, s.most, err)
	}
	if runs := all[0].Runs; len(runs) != count || fmt.Sprint(runs[6].Params) != "map[x:7]" || runs[6].Number != 7 {
		t.Errorf("the runs are %+v", runs)
	}
	if ids := strings.Split(all[0].Identity(), ","); len(ids) != count || !slices.IsSorted(ids) {
		t.Errorf("downstream jobs come after %q", ids)
	}
}

// TestEarlyStopping checks when the other runs of a matrix are stopped, and what that makes
// of the job.
func TestEarlyStopping(t *testing.T) {
	t.Parallel()
	metric := func(value float64, goal string) string {
		return fmt.Sprintf(", concurrency: 2, earlyStopping: [{kind: metric_early_stopping, metric: acc, value: %v, optimization: %s}]", value, goal)
	}
	// The run whose x is 1 never ends by itself. Once it exists, the others end, with a tenth
	// of x as acc.
	first := func(status string) func(*server, *oneRun) {
		return func(s *server, r *oneRun) {
			exists := slices.ContainsFunc(s.runs, func(r *oneRun) bool { return r.x() == 1 })
			if x := r.x(); exists && x > 1 {
				r.status, r.metrics = status, map[string]any{"acc": x / 10}
			}
		}
	}
	for _, test := range []struct {
		name, more string
		ends       func(*server, *oneRun)
		status     polyaxon.Status
		message    string
		submitted  int
		failed     bool
		best       string
	}{
		{"good enough", metric(0.3, "maximize"), first("succeeded"), polyaxon.Succeeded, "2 of 5 runs succeeded; stopped early: acc is at least 0.3", 3, false, "3"},
		{"small enough", metric(0.2, "minimize"), first("succeeded"), polyaxon.Succeeded, "1 of 5 runs succeeded; stopped early: acc is at most 0.2", 2, false, "2"},
		{"a failed run is not good enough", metric(0.2, "maximize"), func(_ *server, r *oneRun) { r.status, r.metrics = "failed", map[string]any{"acc": 1.0} }, polyaxon.Failed, "0 of 5 runs succeeded", 5, true, ""},
		{"too many failed", ", concurrency: 2, earlyStopping: [{kind: failure_early_stopping, percent: 40}]", first("failed"), polyaxon.Failed, "0 of 5 runs succeeded; stopped early: 40 % of the runs have failed", 3, true, ""},
		{"not enough failed", ", concurrency: 2, earlyStopping: [{kind: failure_early_stopping, percent: 100}]", func(_ *server, r *oneRun) {
			if r.status = "failed"; r.x() == 4 {
				r.status = "succeeded"
			}
		}, polyaxon.Failed, "1 of 5 runs succeeded", 5, true, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := &server{ends: test.ends}
			p, jobs := connect(t, s, "  m: {polyaxonfile: m.yml, matrix: expand}\n  n: {polyaxonfile: a.yml, after: [m]}\n", map[string]string{"m.yml": matrix(5, test.more)}, "m", "n")
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			all, err := p.Run(ctx, jobs[:1])
			message, _, _ := strings.Cut(all[0].Message, " in run ")
			if all[0].Status != test.status || message != test.message || len(s.named("m")) != test.submitted {
				t.Errorf("%s: %s; submitted %s", all[0].Status, all[0].Message, s.created())
			}
			if test.failed != errors.As(err, new(*exit.RunError)) || !test.failed && err != nil {
				t.Errorf("the error is %v", err)
			}
			for _, r := range s.named("m") {
				if r.x() == 1 && test.submitted < 5 && r.status != "stopped" {
					t.Errorf("the run that goes on is %s", r.status)
				}
			}
			if test.best != "" && (all[0].BestBy == nil || fmt.Sprint(all[0].Runs[0].Number) != test.best) {
				t.Errorf("the best run is %d by %v, want %s", all[0].Runs[0].Number, all[0].BestBy, test.best)
			}
		})
	}
}

// TestGoodEnoughBefore checks that a matrix with a run that was good enough submits nothing,
// not even a run that had failed before.
func TestGoodEnoughBefore(t *testing.T) {
	t.Parallel()
	s := &server{ends: func(_ *server, r *oneRun) {
		if r.status, r.metrics = "failed", nil; r.x() > 1 {
			r.status, r.metrics = "succeeded", map[string]any{"acc": 0.9}
		}
	}}
	files := map[string]string{"m.yml": matrix(4, ", concurrency: 1, earlyStopping: [{kind: metric_early_stopping, metric: acc, value: 0.5, optimization: maximize}]")}
	p, jobs := connect(t, s, "  m: {polyaxonfile: m.yml, matrix: expand}\n", files, "m")
	for _, want := range []string{"m submitted succeeded", "m up-to-date succeeded"} {
		planned, err := p.Plan(t.Context(), jobs[0], nil)
		if err != nil || planned.Changes() != strings.Contains(want, "submitted") {
			t.Errorf("planned %v, %s: %v", planned.Action, planned.Diff, err)
		}
		if all, err := p.Run(t.Context(), jobs); err != nil || describe(all) != want || s.created() != "m m" {
			t.Errorf("%s, submitted %s: %v", describe(all), s.created(), err)
		}
	}
}

// TestPlanAfterGoodEnough plans a matrix that a run has ended early, while another of its runs
// goes on, as after a deploy that was killed. The plan of the job after it must say what a
// deploy does.
func TestPlanAfterGoodEnough(t *testing.T) {
	t.Parallel()
	s := &server{ends: func(_ *server, r *oneRun) {
		if r.x() != 1 {
			r.status, r.metrics = "succeeded", map[string]any{"acc": 0.9}
		}
	}}
	files := map[string]string{"m.yml": matrix(3, ", concurrency: 2, earlyStopping: [{kind: metric_early_stopping, metric: acc, value: 0.5, optimization: maximize}]")}
	p, jobs := connect(t, s, "  m: {polyaxonfile: m.yml, matrix: expand}\n  n: {polyaxonfile: a.yml, after: [m]}\n", files, "m", "n")
	if all, err := p.Run(t.Context(), jobs); err != nil || describe(all) != "m submitted succeeded, n submitted succeeded" {
		t.Fatalf("%s: %v", describe(all), err)
	}
	s.mu.Lock()
	s.runs[slices.IndexFunc(s.runs, func(r *oneRun) bool { return r.x() == 1 })].status = "running"
	s.mu.Unlock()
	before := map[string]pipeline.Planned{}
	for _, j := range jobs {
		planned, err := p.Plan(t.Context(), j, before)
		if err != nil || planned.Action != pipeline.UpToDate {
			t.Errorf("%s: planned %v, %s: %v", j.Name, planned.Action, planned.Diff, err)
		}
		before[j.Name] = planned
	}
	if all, err := p.Run(t.Context(), jobs); err != nil || describe(all) != "m up-to-date succeeded, n up-to-date succeeded" {
		t.Errorf("%s: %v", describe(all), err)
	}
}

// TestCancel checks what becomes of the runs of a command that is interrupted: they are
// stopped, or left if the job says so, and nothing more is submitted.
func TestCancel(t *testing.T) {
	t.Parallel()
	s := &server{}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s.ends = func(s *server, _ *oneRun) {
		if len(s.runs) == 2 && s.runs[0].asked > 0 && s.runs[1].asked > 0 {
			cancel()
		}
	}
	p, jobs := connect(t, s, "  a: {polyaxonfile: a.yml}\n  b: {polyaxonfile: a.yml, params: {y: b}, on-cancel: leave}\n  c: {polyaxonfile: a.yml, params: {y: c}, after: [a]}\n", nil, "a", "b", "c")
	all, err := p.Run(ctx, jobs)
	if want := "a submitted stopped, b submitted scheduled, c skip upstream_failed"; describe(all) != want {
		t.Errorf("ended %s", describe(all))
	}
	if a, b := s.named("a")[0], s.named("b")[0]; a.status != "stopped" || b.status != "scheduled" || len(s.runs) != 2 {
		t.Errorf("a is %s, b is %s, submitted %s", a.status, b.status, s.created())
	}
	if !errors.As(err, new(*exit.InterruptedError)) || !strings.Contains(err.Error(), "of job a was stopped") || !strings.Contains(err.Error(), "of job b was left running") {
		t.Errorf("the error is %v", err)
	}
	if all, err := p.Run(ctx, jobs[:1]); describe(all) != "a skip " || !errors.As(err, new(*exit.InterruptedError)) {
		t.Errorf("after the end of the context: %s, %v", describe(all), err)
	}
}

// TestFailPending checks that a run that does not start in time is stopped, with the
// reason that the server gave.
func TestFailPending(t *testing.T) {
	t.Parallel()
	s := &server{}
	p, jobs := connect(t, s, "  a: {polyaxonfile: a.yml}\n", nil, "a")
	p.FailPending = 300 * time.Millisecond
	all, err := p.Run(t.Context(), jobs)
	pending := new(exit.PendingError)
	if describe(all) != "a submitted stopped" || !errors.As(err, &pending) || pending.Job != "a" || pending.After != p.FailPending || pending.Why != "it says scheduled" {
		t.Errorf("%s: %v", describe(all), err)
	}
	for text, valid := range map[time.Duration]bool{-1: false, 0: true, time.Hour: true} {
		if err := (pipeline.Options{FailPending: text}).Check(); (err == nil) != valid {
			t.Errorf("--fail-pending %s: %v", text, err)
		}
	}
}

// TestPlan checks that a plan tells what a deploy would do, and changes nothing.
func TestPlan(t *testing.T) {
	t.Parallel()
	s := &server{ends: succeed}
	p, jobs := connect(t, s, diamond, nil, "a", "b")
	before := map[string]pipeline.Planned{}
	plan := func(want string) {
		t.Helper()
		var texts []string
		for _, j := range jobs {
			one, err := p.Plan(t.Context(), j, before)
			if err != nil {
				t.Fatal(err)
			}
			before[j.Name] = one
			texts = append(texts, string(one.Report().Action))
		}
		if got := strings.Join(texts, " "); got != want {
			t.Errorf("planned %s, want %s", got, want)
		}
	}
	plan("submit submit")
	if before["b"].Diff != "after a has run\n" || !strings.Contains(before["a"].Diff, "+kind: operation") || s.created() != "" {
		t.Errorf("diffs %q and %q; submitted %q", before["a"].Diff, before["b"].Diff, s.created())
	}
	if _, err := p.Run(t.Context(), jobs[:1]); err != nil {
		t.Fatal(err)
	}
	plan("up-to-date submit")
	if _, err := p.Run(t.Context(), jobs); err != nil {
		t.Fatal(err)
	}
	plan("up-to-date up-to-date")
	p.Detach, s.ends = true, nil
	jobs[1].Params["y"] = "other"
	if all, err := p.Run(t.Context(), jobs); err != nil || describe(all) != "a up-to-date succeeded, b submitted scheduled" {
		t.Errorf("detached: %s: %v", describe(all), err)
	}
	plan("up-to-date attach")
}
