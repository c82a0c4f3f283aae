package pipeline_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/pipeline"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// measured ends each run with these metrics.
func measured(metrics map[string]any) func(*server, *oneRun) {
	return func(_ *server, r *oneRun) { r.status, r.metrics = "succeeded", metrics }
}

// before is an earlier run of job a on the branch main, with these metrics and what came of its gate.
func before(gate string, metrics map[string]any) *oneRun {
	meta := map[string]any{run.MetaKey: "k-base", project.MetaRef: "refs/heads/main", project.MetaGate: gate}
	return &oneRun{uuid: strings.Repeat("b", 32), name: "a", status: "succeeded", meta: meta, metrics: metrics}
}

// TestGate checks what a job requires of the metrics of its run, and that nothing comes after a run that does
// not meet it. A value that is not a finite number, which the server returns as null, meets nothing.
func TestGate(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		require string
		metrics map[string]any
		base    *oneRun
		failed  string // is in the error, "" if the metrics meet it
	}{
		"met":                     {`{acc: ">= 0.9"}`, map[string]any{"acc": 0.9}, nil, ""},
		"one of two":              {`{acc: ">= 0.9", loss: "< 0.1"}`, map[string]any{"acc": 0.9, "loss": 0.2}, nil, "\n  loss < 0.1: loss = 0.2"},
		"not finite":              {`{acc: "< 0.9"}`, map[string]any{"acc": nil}, nil, "the run has no metric acc; it has no metrics"},
		"almost":                  {`{acc: ">= 0.9"}`, map[string]any{"acc": 0.8999999}, nil, "acc >= 0.9: acc = 0.8999999"},
		"never reported":          {`{acc: "< 0.9"}`, map[string]any{"f1": 1}, nil, "the run has no metric acc; it has f1"},
		"named by the client":     {`{val/acc: "< 0.9"}`, map[string]any{"f1": 1, "val__acc": 0.5}, nil, "the run has no metric val/acc; it has val__acc, as Polyaxon's tracking client names val/acc"},
		"better than the base":    {`{acc: ">= base + 1%"}`, map[string]any{"acc": 0.909}, before(project.GateMet, map[string]any{"acc": 0.9}), ""},
		"worse than the base":     {`{acc: ">= base + 1%"}`, map[string]any{"acc": 0.908}, before(project.GateMet, map[string]any{"acc": 0.9}), "acc = 0.908, base 0.9, bound 0.909"},
		"a base without it":       {`{acc: ">= base"}`, map[string]any{"acc": 1}, before(project.GateMet, map[string]any{"f1": 1}), "the base, has no metric acc; it has f1"},
		"a base that is not one":  {`{acc: ">= base"}`, map[string]any{"acc": 1}, before(project.GateFailed, map[string]any{"acc": 2}), "there is no run of branch"},
		"a base that is infinite": {`{acc: ">= base"}`, map[string]any{"acc": 1}, before(project.GateMet, map[string]any{"acc": nil}), "the base, has no metric acc; it has no metrics"},
	} {
		s := &server{ends: measured(test.metrics)}
		if test.base != nil {
			s.runs = append(s.runs, test.base)
		}
		p, jobs := connect(t, s, "  a: {polyaxonfile: a.yml, require: "+test.require+"}\n  c: {polyaxonfile: a.yml, params: {y: c}, after: [a]}\n", nil, "a", "c")
		all, err := p.Run(t.Context(), jobs)
		checkPlan(t, name, p, jobs, err)
		runs := s.named("a")
		gate := runs[len(runs)-1].meta[project.MetaGate]
		refused := new(exit.GateError)
		switch {
		case test.failed == "" && (err != nil || len(s.named("c")) != 1 || gate != project.GateMet):
			t.Errorf("%s: it is marked %v: %v", name, gate, err)
		case test.failed != "" && (!errors.As(err, &refused) || !strings.Contains(err.Error(), test.failed)):
			t.Errorf("%s: the error is %v, want one with %q", name, err, test.failed)
		case test.failed != "" && (len(s.named("c")) > 0 || gate != project.GateFailed || all[1].Message != "not submitted: the metrics of a do not meet what it requires"):
			t.Errorf("%s: it is marked %v, and %d runs came after it: %s", name, gate, len(s.named("c")), all[1].Message)
		}
	}
}

// checkPlan checks that a plan says of jobs that have run what the deploy said: the same error, and that nothing would
// come after a job that it refuses.
func checkPlan(t *testing.T, name string, p *pipeline.Pipeline, jobs []*config.Job, deployed error) {
	t.Helper()
	before := map[string]pipeline.Planned{}
	var refused []error
	for _, j := range jobs {
		planned, err := p.Plan(t.Context(), j, before)
		if err != nil {
			t.Fatalf("%s: plan: %v", name, err)
		}
		if deployed != nil && j.Name == "c" && (planned.Report().Action != report.ActionSkip || planned.Message != "not submitted: the metrics of a do not meet what it requires") {
			t.Errorf("%s: the plan of %s is %s: %s", name, j.Name, planned.Report().Action, planned.Message)
		}
		before[j.Name], refused = planned, append(refused, planned.Refused())
	}
	if got := errors.Join(refused...); fmt.Sprint(got) != fmt.Sprint(deployed) {
		t.Errorf("%s: the plan ends with %v, and the deploy with %v", name, got, deployed)
	}
	if len(before["a"].Report().Requirements) == 0 {
		t.Errorf("%s: the plan does not say what a requires", name)
	}
}

// TestGateOfMatrix checks that the best run of a matrix decides, whatever the others are, and that it alone
// is marked. All runs have the same value of the first metric, so that the second one says which is the best.
func TestGateOfMatrix(t *testing.T) {
	t.Parallel()
	for condition, want := range map[string]struct {
		best int
		met  bool
	}{
		">= 3": {3, true}, "> 3": {3, false}, "<= 1": {1, true}, "< 1": {1, false},
	} {
		s := &server{ends: func(_ *server, r *oneRun) {
			r.status, r.metrics = "succeeded", map[string]any{"same": 1, "score": r.x()}
		}}
		p, jobs := connect(t, s, "  a: {polyaxonfile: m.yml, matrix: expand, require: {same: '>= 1', score: '"+condition+"'}}\n", map[string]string{"m.yml": matrix(3, "")}, "a")
		all, err := p.Run(t.Context(), jobs)
		checkPlan(t, condition, p, jobs, err)
		if refused := new(exit.GateError); want.met != (err == nil) || !want.met && !errors.As(err, &refused) {
			t.Errorf("%s: %v", condition, err)
		}
		for _, r := range s.named("a") {
			gate := project.GatePending
			switch {
			case r.x() == float64(want.best) && want.met:
				gate = project.GateMet
			case r.x() == float64(want.best):
				gate = project.GateFailed
			}
			if r.meta[project.MetaGate] != gate {
				t.Errorf("%s: the run of %v is marked %v, want %s", condition, r.x(), r.meta[project.MetaGate], gate)
			}
		}
		if best := fmt.Sprint(all[0].Best().Params["x"]); best != fmt.Sprint(want.best) {
			t.Errorf("%s: the best run is that of %s", condition, best)
		}
	}
}

// TestCheckBase checks that a comparison with nothing is refused at its line, before anything runs.
func TestCheckBase(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		base *oneRun
		want string
	}{
		"no run":              {nil, "slipway.yaml:4:55: no run to compare with: job a has no run that succeeded on branch"},
		"one that nobody met": {before(project.GateFailed, map[string]any{"acc": 1}), "no run to compare with"},
		"no such metric":      {before(project.GateMet, map[string]any{"f1": 1}), "slipway.yaml:4:55: run " + strings.Repeat("b", 32) + " of branch"},
		"not finite":          {before(project.GateMet, map[string]any{"acc": nil}), "the base, has no metric acc (it has no metrics)"},
		"one":                 {before(project.GateMet, map[string]any{"acc": 1}), ""},
	} {
		s := &server{}
		if test.base != nil {
			s.runs = append(s.runs, test.base)
		}
		p, jobs := connect(t, s, `  a: {polyaxonfile: a.yml, require: {f1: ">= 1", acc: ">= base"}}`+"\n", nil, "a")
		err := p.CheckBase(t.Context(), jobs[0])
		switch at := new(source.Error); {
		case test.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case test.want != "" && (!errors.As(err, &at) || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: the error is %v, want one with %q", name, err, test.want)
		}
	}
}

// TestGateRemoved checks that a run is no longer marked once its job requires nothing, and is again when it
// does. A run that was never marked stays so.
func TestGateRemoved(t *testing.T) {
	t.Parallel()
	s := &server{ends: measured(map[string]any{"acc": 0.5})}
	for _, step := range []struct {
		require string
		want    any
	}{{"", nil}, {`, require: {acc: ">= 0.9"}`, project.GateFailed}, {"", project.GateNone}, {`, require: {acc: ">= 0.5"}`, project.GateMet}} {
		p, jobs := connect(t, s, "  a: {polyaxonfile: a.yml"+step.require+"}\n", nil, "a")
		_, err := p.Run(t.Context(), jobs)
		if refused := new(exit.GateError); (step.want == project.GateFailed) != errors.As(err, &refused) {
			t.Errorf("%q: %v", step.require, err)
		}
		if runs := s.named("a"); len(runs) != 1 || runs[0].meta[project.MetaGate] != step.want {
			t.Errorf("%q: %d runs, marked %v, want %v", step.require, len(runs), runs[0].meta[project.MetaGate], step.want)
		}
	}
}
