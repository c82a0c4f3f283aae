package mlflow

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// store is a server that has runs, in experiments e1, e2 and so on, and answers in pages as MLflow does: the token
// of a page is the number of results before it.
type store struct {
	experiments int
	runs        []storedRun // newest first
	// most is how many experiments a question may name, 0 for any number.
	most int
	// note is how long a tag of each run is, in bytes.
	note  int
	asked []string
}

type storedRun struct{ id, experiment, parent, of, stage string }

func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var q struct {
		Experiments []string `json:"experiment_ids"`
		Size        int      `json:"max_results"`
		Token       string   `json:"page_token"`
	}
	_ = json.NewDecoder(r.Body).Decode(&q)
	at, _ := strconv.Atoi(q.Token)
	path := r.URL.Path[strings.LastIndex(r.URL.Path, "mlflow/")+len("mlflow/"):]
	s.asked = append(s.asked, path)
	answer := map[string]any{}
	page := func(key string, all []any) {
		if end := at + q.Size; end < len(all) {
			answer["next_page_token"] = strconv.Itoa(end)
			all = all[:end]
		}
		answer[key] = all[min(at, len(all)):]
	}
	switch path {
	case "experiments/search":
		var all []any
		for n := range s.experiments {
			all = append(all, map[string]string{"experiment_id": fmt.Sprint("e", n+1)})
		}
		page("experiments", all)
	case "runs/search":
		if s.most > 0 && len(q.Experiments) > s.most {
			http.Error(w, `{"error_code": "INVALID_PARAMETER_VALUE", "message": "Too many experiment_ids specified in SearchRuns request"}`, http.StatusBadRequest)
			return
		}
		var all []any
		for n, one := range s.runs {
			if one.stage == "" && slices.Contains(q.Experiments, one.experiment) {
				all = append(all, s.answer(n))
			}
		}
		page("runs", all)
	default:
		n := slices.IndexFunc(s.runs, func(one storedRun) bool { return one.id == r.URL.Query().Get("run_id") })
		if n < 0 {
			http.Error(w, `{"error_code": "RESOURCE_DOES_NOT_EXIST"}`, http.StatusNotFound)
			return
		}
		answer["run"] = s.answer(n)
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func (s *store) answer(n int) any {
	one := s.runs[n]
	tags := []any{map[string]string{"key": "slipway.run", "value": "abc" + one.of}, map[string]string{"key": "note", "value": strings.Repeat("x", s.note)}}
	if one.parent != "" {
		tags = append(tags, map[string]string{"key": parentTag, "value": one.parent})
	}
	return map[string]any{
		"info": map[string]any{"run_id": one.id, "experiment_id": one.experiment, "start_time": 1000 - n, "lifecycle_stage": one.stage},
		"data": map[string]any{"tags": tags},
	}
}

// ids returns those of the runs that are found.
func (s *store) ids(t *testing.T, limit int) (ids string, more bool) {
	t.Helper()
	found, more, err := server(t, s.ServeHTTP).Runs(t.Context(), map[string]string{"slipway.run": "abc"}, limit)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range found {
		ids += " " + r.ID
	}
	return ids, more
}

// TestManyExperiments finds runs in experiments that changed long before 1000 others. A server that takes few
// experiments in one question is asked for few.
func TestManyExperiments(t *testing.T) {
	for _, most := range []int{0, 100} {
		s := &store{experiments: 2100, most: most, runs: []storedRun{{id: "r3", experiment: "e1"}, {id: "r2", experiment: "e2099"}, {id: "r1", experiment: "e1500"}}}
		if ids, more := s.ids(t, 10); ids != " r1 r2 r3" || more {
			t.Errorf("at most %d: it finds%s, more: %v", most, ids, more)
		}
		if ids, more := s.ids(t, 2); ids != " r2 r3" || !more {
			t.Errorf("at most %d: the newest are%s, more: %v", most, ids, more)
		}
	}
}

// TestParents finds the runs in which others are nested, also if they started before the newest ones. They are as
// deep as users nest them. A deleted one is none, and neither is that of another run of Polyaxon.
func TestParents(t *testing.T) {
	s := &store{experiments: 1, runs: []storedRun{
		{id: "c3", experiment: "e1", parent: "p"}, {id: "c2", experiment: "e1", parent: "deleted"}, {id: "c1", experiment: "e1", parent: "other"}, {id: "c0", experiment: "e1", parent: "purged"},
		{id: "p", experiment: "e1", parent: "top"}, {id: "alone", experiment: "e1"}, {id: "deleted", experiment: "e1", stage: "deleted"}, {id: "other", experiment: "e1", of: "d"}, {id: "top", experiment: "e1"},
	}}
	if ids, more := s.ids(t, 4); ids != " top p c0 c1 c2 c3" || !more {
		t.Errorf("it finds%s, more: %v", ids, more)
	}
	s.asked = nil
	if ids, more := s.ids(t, 20); strings.Count(ids, " ") != 8 || more || len(s.asked) != 2 {
		t.Errorf("all are%s, more: %v, after %v", ids, more, s.asked)
	}
}

// TestLargeAnswers asks for runs of which 100 are too large for one answer.
func TestLargeAnswers(t *testing.T) {
	s := &store{experiments: 1, note: maxAnswer / 60}
	for n := range 150 {
		s.runs = append(s.runs, storedRun{id: fmt.Sprint("r", n), experiment: "e1"})
	}
	if ids, more := s.ids(t, 1000); strings.Count(ids, " ") != 150 || more || len(s.asked) > 6 {
		t.Errorf("it finds%s, more: %v, after %v", ids, more, s.asked)
	}
}
