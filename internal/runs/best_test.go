package runs

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/tasks/report"
)

// notes collects the messages of notes.
type notes []string

func (n *notes) Event(e report.Event) {
	if e.Kind == report.Note {
		*n = append(*n, e.Message)
	}
}

// ranking returns a project whose job train has n runs that succeeded, of which the server says that there are
// count.
func ranking(t *testing.T, n, count int) (*platform.Platform, *notes) {
	t.Helper()
	view := func(i int) map[string]any {
		inputs := map[string]any{"DOCKER_IMAGE": fmt.Sprint("image", i), "MAX_DEPTH": i, "SEED": 42}
		if i == 1 {
			inputs["RATE"] = 0.5
		}
		return map[string]any{"uuid": fmt.Sprintf("%032d", i), "name": "train", "status": "succeeded", "inputs": inputs}
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := map[string]any{}
		switch last := path.Base(r.URL.Path); {
		case last == "runs":
			offset, _ := strconv.Atoi(r.URL.Query().Get("offset"))
			page := []map[string]any{}
			for i := offset; i < min(n, offset+pageSize) && strings.Contains(r.URL.Query().Get("query"), "name:train,"); i++ {
				page = append(page, view(i))
			}
			answer = map[string]any{"count": count, "results": page}
		case last == "statuses":
			answer = map[string]any{"status": "succeeded", "status_conditions": []any{}}
		case strings.HasPrefix(last, "0"):
			i, _ := strconv.Atoi(last)
			answer = view(i)
		case last == "logs":
			answer["logs"] = []any{}
		}
		_ = json.NewEncoder(w).Encode(answer)
	}))
	t.Cleanup(server.Close)
	client, err := polyaxon.New(polyaxon.Options{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	said := &notes{}
	p := &project.Project{Env: &project.Env{Events: project.NewRecorder(said, time.Now), Now: time.Now}, Config: &config.Config{Project: "story", Jobs: map[string]*config.Job{"train": {Name: "train"}}}}
	return &platform.Platform{Project: p, Polyaxon: client}, said
}

// scored gives the run of MAX_DEPTH n the metric score n, as MLflow would.
func scored(_ context.Context, _ string, all ...*report.Run) {
	for _, r := range all {
		r.Metrics = map[string]float64{"score": r.Inputs["MAX_DEPTH"].(float64)}
	}
}

// TestBest ranks the runs of all pages by a metric of MLflow, with the params that differ, and says if there are
// more.
func TestBest(t *testing.T) {
	to, said := ranking(t, 120, 1200)
	best, err := Best(t.Context(), to, "train", &report.Ranking{Metric: "score"}, scored)
	if err != nil {
		t.Fatal(err)
	}
	if len(best.Runs) != 120 || best.Metrics["score"] != 119 || best.Runs[119].Metrics["score"] != 0 {
		t.Errorf("of %d runs the best has %v", len(best.Runs), best.Metrics)
	}
	for n, want := range map[int]string{0: "MAX_DEPTH", 118: "MAX_DEPTH RATE"} {
		if have := strings.Join(slices.Sorted(maps.Keys(best.Runs[n].Params)), " "); have != want {
			t.Errorf("run %d shows %s, want %s", n, have, want)
		}
	}
	if want := "only the newest 120 of the 1200 runs of train that succeeded are ranked, reading the results of 120 runs of train"; strings.Join(*said, ", ") != want {
		t.Errorf("it says %q", *said)
	}
	if best, err := Best(t.Context(), to, "train", &report.Ranking{Metric: "score", Lower: true}, scored); err != nil || best.Metrics["score"] != 0 {
		t.Errorf("the lowest is %v, %v", best.Metrics, err)
	}
	to.Config.Jobs["train"].Require = map[string]string{"loss": "< 1", "score": "<= base"}
	if best, err := Best(t.Context(), to, "train", nil, scored); err != nil || best.Metrics["score"] != 0 || best.BestBy.Metric != "score" {
		t.Errorf("without what the job requires first: %v, %v", best.Metrics, err)
	}
	delete(to.Config.Jobs["train"].Require, "loss")
	if best, err := Best(t.Context(), to, "train", nil, scored); err != nil || best.Metrics["score"] != 0 {
		t.Errorf("by what the job requires: %v, %v", best.Metrics, err)
	}
	renamed := func(_ context.Context, _ string, all ...*report.Run) {
		for _, r := range all {
			r.Metrics = map[string]float64{"val__acc": 1}
		}
	}
	if _, err := Best(t.Context(), to, "train", &report.Ranking{Metric: "val/acc"}, renamed); err == nil || !strings.Contains(err.Error(), "its runs have val__acc, as Polyaxon's tracking client names val/acc") {
		t.Errorf("by a metric that the client renames: %v", err)
	}
	if _, err := Best(t.Context(), to, "tran", nil, scored); err == nil || !strings.Contains(err.Error(), "did you mean train?") {
		t.Errorf("of a misspelt job: %v", err)
	}
	if _, err := Best(t.Context(), to, "train", nil, nil); err == nil || !strings.Contains(err.Error(), "no run of train has a metric") {
		t.Errorf("without metrics: %v", err)
	}
	one, _ := ranking(t, 1, 1)
	if best, err := Best(t.Context(), one, "train", nil, scored); err != nil || best.Runs[0].Params["SEED"] != float64(42) {
		t.Errorf("of one run: %+v, %v", best, err)
	}
}

// TestTies has runs with the same value of what decides: what else the job requires decides between them, and then
// which is the newer one.
func TestTies(t *testing.T) {
	to, _ := ranking(t, 6, 6)
	to.Config.Jobs["train"].Require = map[string]string{"acc": ">= 0.5", "bias": "<= 3", "cost": "<= 9"}
	tied := func(_ context.Context, _ string, all ...*report.Run) {
		for n, r := range all {
			r.Metrics = map[string]float64{"acc": 0.9, "bias": float64(n / 3), "cost": float64(4 - n/2), "other": 1}
		}
	}
	for name, test := range map[string]struct {
		by   *report.Ranking
		want string
	}{
		"by what is required": {nil, "3 1 2 5 6 4"},
		"by the second":       {&report.Ranking{Metric: "bias"}, "5 6 4 3 1 2"},
		"by another":          {&report.Ranking{Metric: "other", Lower: true}, "3 1 2 5 6 4"},
	} {
		best, err := Best(t.Context(), to, "train", test.by, tied)
		if err != nil {
			t.Fatal(err)
		}
		var order []string
		for _, r := range best.Runs {
			order = append(order, strconv.Itoa(r.Number))
		}
		if have := strings.Join(order, " "); have != test.want || best.Number != 0 {
			t.Errorf("%s: the order is %s, want %s", name, have, test.want)
		}
	}
}

// TestCompareMLflow compares metrics of MLflow, too.
func TestCompareMLflow(t *testing.T) {
	to, _ := ranking(t, 2, 2)
	all, _, err := succeeded(t.Context(), to, "train", pageSize)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Compare(t.Context(), to, &all[0], &all[1], scored)
	if err != nil || len(c.Differences) < 2 || c.Differences[0] != (report.RunDifference{Kind: "metric", Name: "score", A: "0", B: "1"}) {
		t.Errorf("%+v, %v", c, err)
	}
}

// TestCompareClosely tells values apart that look the same with six digits.
func TestCompareClosely(t *testing.T) {
	to, _ := ranking(t, 2, 2)
	all, _, err := succeeded(t.Context(), to, "train", pageSize)
	if err != nil {
		t.Fatal(err)
	}
	rows := 1234567.0
	c, err := Compare(t.Context(), to, &all[0], &all[1], func(_ context.Context, _ string, all ...*report.Run) {
		all[0].Metrics = map[string]float64{"rows": rows, "third": 1. / 3}
		rows++
	})
	if err != nil || len(c.Differences) == 0 || c.Differences[0] != (report.RunDifference{Kind: "metric", Name: "rows", A: "1234567", B: "1234568"}) || c.Differences[1].Kind == "metric" {
		t.Errorf("%+v, %v", c, err)
	}
}

// TestCompareTimes compares durations as they are shown, not to the nanosecond.
func TestCompareTimes(t *testing.T) {
	to, _ := ranking(t, 1, 1)
	ran := 129078579 * time.Nanosecond
	o := &run.Outcome{Times: run.Times{Running: &ran}}
	described := ReportOutcome(o)
	if got := facts(to, o, &described)[fact{2, "ran"}]; got != "130ms" {
		t.Errorf("it ran %s", got)
	}
}
