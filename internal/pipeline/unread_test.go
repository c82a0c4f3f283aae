package pipeline_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// TestUnreadMetrics checks what a job requires while MLflow does not answer. A metric that only MLflow may have says
// nothing about the run: it is not refused, the mark of an earlier deploy stays, and nothing comes after it.
func TestUnreadMetrics(t *testing.T) {
	t.Parallel()
	const why = "MLflow cannot be read: no answer within 30s"
	for name, test := range map[string]struct {
		require string
		metrics map[string]any
		base    *oneRun
		want    string // is in the error, "" if the metrics meet it
		refused bool
	}{
		"of MLflow alone":     {`{acc: ">= 0.9"}`, nil, nil, "what job a requires cannot be checked: run ", false},
		"of Polyaxon":         {`{acc: ">= 0.9"}`, map[string]any{"acc": 0.9}, nil, "", false},
		"of Polyaxon, failed": {`{acc: ">= 0.9"}`, map[string]any{"acc": 0.8}, nil, "acc = 0.8", true},
		"not finite":          {`{acc: ">= 0.9"}`, map[string]any{"acc": nil}, nil, "the run has no metric acc", true},
		"of the base":         {`{acc: ">= base"}`, map[string]any{"acc": 0.9}, before(project.GateMet, map[string]any{"f1": 1}), "run " + strings.Repeat("b", 32) + " has no metric acc, but not all of them are known: " + why, false},
	} {
		s := &server{ends: measured(test.metrics)}
		if test.base != nil {
			s.runs = append(s.runs, test.base)
		}
		p, jobs := connect(t, s, "  a: {polyaxonfile: a.yml, require: "+test.require+"}\n  c: {polyaxonfile: a.yml, params: {y: c}, after: [a]}\n", nil, "a", "c")
		p.AddMLflow = func(_ context.Context, _ string, all ...*report.Run) {
			for _, r := range all {
				r.Unread = append(r.Unread, why)
			}
		}
		all, err := p.Run(t.Context(), jobs)
		runs := s.named("a")
		gate := runs[len(runs)-1].meta[project.MetaGate]
		switch refused := errors.As(err, new(*exit.GateError)); {
		case test.want == "" && (err != nil || gate != project.GateMet):
			t.Errorf("%s: it is marked %v: %v", name, gate, err)
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want) || refused != test.refused):
			t.Errorf("%s: %v", name, err)
		case test.want != "" && !test.refused && (gate != project.GatePending || exit.Code(err) != 3 || len(s.named("c")) > 0 || !strings.Contains(all[1].Message, "could not be read")):
			t.Errorf("%s: it is marked %v, exit code %d, and c says %s", name, gate, exit.Code(err), all[1].Message)
		}
	}
}
