package service

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/tasks/report"
)

// warnings collects the messages of warnings.
type warnings []string

func (w *warnings) Event(e report.Event) {
	if e.Kind == report.Warning {
		*w = append(*w, e.Message)
	}
}

// tracked returns the tracking server that answers a search for runs with these, newest first, and what it
// warns of.
func tracked(t *testing.T, answer func(w http.ResponseWriter, filter string)) (*MLflow, *warnings) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var question struct{ Filter string }
		_ = json.NewDecoder(r.Body).Decode(&question)
		if strings.HasSuffix(r.URL.Path, "experiments/search") {
			_, _ = io.WriteString(w, `{"experiments": [{"experiment_id": "0"}]}`)
			return
		}
		answer(w, question.Filter)
	}))
	t.Cleanup(server.Close)
	said := &warnings{}
	now := time.Now()
	p := &project.Project{
		Env:    &project.Env{Events: project.NewRecorder(said, time.Now), Now: func() time.Time { return now }, Transport: http.DefaultTransport},
		Config: &config.Config{Project: "churn", MLflow: &config.MLflow{TrackingURI: server.URL, Experiment: "churn"}},
	}
	return NewMLflow(&platform.Platform{Project: p}), said
}

// answered is a run of MLflow with one metric, as MLflow answers it. value is a number, or a text such as "NaN".
func answered(id, of string, value any, parent string) string {
	text, _ := json.Marshal(value)
	return fmt.Sprintf(`{"info": {"run_id": %q}, "data": {"metrics": [{"key": "acc", "value": %s}], "tags": [{"key": "slipway.run", "value": %q}, {"key": "mlflow.parentRunId", "value": %q}]}}`, id, text, of, parent)
}

// TestWhichMetricCounts adds metrics of MLflow to a run that may have them. A value that is not finite is one
// that counts: no other stands for it.
func TestWhichMetricCounts(t *testing.T) {
	for name, test := range map[string]struct {
		run    report.Run
		mlflow []string // newest first
		want   map[string]float64
		none   []string
	}{
		"of MLflow alone":             {report.Run{}, []string{answered("m1", "a", 0.9, "")}, map[string]float64{"acc": 0.9}, nil},
		"of Polyaxon":                 {report.Run{Metrics: map[string]float64{"acc": 0.8}}, []string{answered("m1", "a", 0.9, "")}, map[string]float64{"acc": 0.8}, nil},
		"of Polyaxon, not finite":     {report.Run{NotFinite: []string{"acc"}}, []string{answered("m1", "a", 0.9, "")}, nil, []string{"acc"}},
		"of the newest":               {report.Run{}, []string{answered("m2", "a", 0.7, ""), answered("m1", "a", 0.9, "")}, map[string]float64{"acc": 0.7}, nil},
		"of the newest, not finite":   {report.Run{}, []string{answered("m2", "a", "NaN", ""), answered("m1", "a", 0.9, "")}, nil, []string{"acc"}},
		"of what others are part of":  {report.Run{}, []string{answered("m3", "a", 0.1, "m1"), answered("m1", "a", 0.9, "")}, map[string]float64{"acc": 0.9}, nil},
		"of another run, not counted": {report.Run{}, []string{answered("m1", "b", 0.9, "")}, nil, nil},
	} {
		m, said := tracked(t, func(w http.ResponseWriter, _ string) {
			_, _ = io.WriteString(w, `{"runs": [`+strings.Join(test.mlflow, ",")+`]}`)
		})
		test.run.UUID = "a"
		m.Add(t.Context(), "train", &test.run)
		if diff := cmp.Diff(test.want, test.run.Metrics) + cmp.Diff(test.none, test.run.NotFinite); diff != "" || len(*said) > 0 {
			t.Errorf("%s: %q (-want +got)\n%s", name, *said, diff)
		}
	}
}

// TestSeveralRuns adds metrics to all runs of a job by one question.
func TestSeveralRuns(t *testing.T) {
	asked := 0
	m, _ := tracked(t, func(w http.ResponseWriter, filter string) {
		if asked++; filter != "tags.`slipway.job` = 'train' and tags.`slipway.project` = 'churn'" {
			t.Errorf("it is asked for %s", filter)
		}
		_, _ = io.WriteString(w, `{"runs": [`+answered("m2", "b", 0.7, "")+`,`+answered("m1", "a", 0.9, "")+`]}`)
	})
	all := []report.Run{{UUID: "a"}, {UUID: "b"}, {UUID: "c"}}
	m.Add(t.Context(), "train", &all[0], &all[1], &all[2])
	if asked != 1 || all[0].Metrics["acc"] != 0.9 || all[1].Metrics["acc"] != 0.7 || len(all[2].MLflow) > 0 {
		t.Errorf("after %d questions: %+v", asked, all)
	}
}

// TestRunsBeyondTheMost adds metrics to all runs of a job that has too many runs of MLflow for one question: those that
// it does not find are asked for one by one, up to a number.
func TestRunsBeyondTheMost(t *testing.T) {
	asked := 0
	m, said := tracked(t, func(w http.ResponseWriter, filter string) {
		asked++
		if of, alone := strings.CutPrefix(filter, "tags.`slipway.run` = "); alone {
			_, _ = io.WriteString(w, `{"runs": [`+answered("m1", strings.Trim(of, "'"), 0.9, "")+`]}`)
			return
		}
		many := strings.Repeat(answered("m2", "new", 0.7, "")+",", maxMLflow/2)
		_, _ = io.WriteString(w, `{"runs": [`+strings.TrimSuffix(many, ",")+`], "next_page_token": "more"}`)
	})
	all := []*report.Run{{UUID: "new"}}
	for n := range maxAlone + 3 {
		all = append(all, &report.Run{UUID: fmt.Sprint("old", n)})
	}
	m.Add(t.Context(), "train", all...)
	if all[0].Metrics["acc"] != 0.7 || all[1].Metrics["acc"] != 0.9 || all[maxAlone].Metrics["acc"] != 0.9 || len(all[maxAlone+1].MLflow) > 0 || asked != 2+maxAlone {
		t.Errorf("after %d questions: %+v, %+v", asked, all[0].Metrics, all[1].Metrics)
	}
	if diff := cmp.Diff([]string{"MLflow has too many runs of train: those of 3 of its runs are not shown, with their metrics"}, []string(*said)); diff != "" {
		t.Error(diff)
	}
}

// TestOneWarning asks a server again and again that does not do what it should.
func TestOneWarning(t *testing.T) {
	asked := 0
	m, said := tracked(t, func(w http.ResponseWriter, _ string) {
		asked++
		w.WriteHeader(http.StatusInternalServerError)
	})
	for range 5 {
		m.CreateExperiment(t.Context())
		m.Add(t.Context(), "train", &report.Run{UUID: "a"})
	}
	want := []string{
		"MLflow's experiment churn cannot be created, and runs that start together may fail: it does not answer as MLflow does (500)",
		"MLflow's runs and metrics are not shown: it does not answer as MLflow does (500)",
	}
	if diff := cmp.Diff(want, []string(*said)); diff != "" || asked != 10 {
		t.Errorf("after %d questions (-want +got)\n%s", asked, diff)
	}
	// One that is silent is not asked again for a while, so that nobody waits for it run after run.
	m.warn(context.Background(), "train", "MLflow's runs and metrics are not shown: ", &noAnswerError{mlflowLimit})
	m.Add(t.Context(), "train", &report.Run{UUID: "a"})
	if asked != 10 {
		t.Error("a server that is silent is asked again at once")
	}
	later := m.Now().Add(silence)
	m.Env.Now = func() time.Time { return later }
	if m.Add(t.Context(), "train", &report.Run{UUID: "a"}); asked != 11 {
		t.Error("a server that was silent is not asked again")
	}
	var none *MLflow
	none.Add(t.Context(), "train", &report.Run{UUID: "a"})
}

// TestDeletedExperiment asks a server for an experiment whose name is taken by one that was deleted.
func TestDeletedExperiment(t *testing.T) {
	asked := 0
	m, said := tracked(t, func(w http.ResponseWriter, _ string) {
		if asked++; asked == 1 {
			http.Error(w, `{"error_code": "RESOURCE_ALREADY_EXISTS"}`, http.StatusBadRequest)
			return
		}
		_, _ = io.WriteString(w, `{"experiment": {"experiment_id": "7", "lifecycle_stage": "deleted"}}`)
	})
	m.CreateExperiment(t.Context())
	want := []string{"MLflow's experiment churn cannot be used, and runs that report to it fail: it was deleted: restore it " +
		"(mlflow experiments restore --experiment-id 7), or choose another name"}
	if diff := cmp.Diff(want, []string(*said)); diff != "" {
		t.Error(diff)
	}
}
