package mlflow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-ci/slipway/internal/metrics"
	"github.com/slipway-ci/slipway/internal/secret"
)

// server answers as MLflow 3.17 does.
func server(t *testing.T, handle http.HandlerFunc) *Client {
	s := httptest.NewServer(handle)
	t.Cleanup(s.Close)
	return &Client{Address: s.URL + "/below/", Transport: http.DefaultTransport, Username: "anna", Password: secret.NewValue([]byte("canary"))}
}

func TestRuns(t *testing.T) {
	c := server(t, func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		if r.Method != http.MethodPost || user != "anna" || password != "canary" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		var question struct {
			Experiments []string `json:"experiment_ids"`
			Filter      string   `json:"filter"`
		}
		_ = json.NewDecoder(r.Body).Decode(&question)
		switch r.URL.Path {
		case "/below/api/2.0/mlflow/experiments/search":
			_, _ = io.WriteString(w, `{"experiments": [{"experiment_id": "0", "name": "Default"}, {"experiment_id": "7"}]}`)
		case "/below/api/2.0/mlflow/runs/search":
			if strings.Join(question.Experiments, ",") != "0,7" || question.Filter != "tags.`slipway.run` = 'abc'" {
				t.Errorf("it is asked for %+v", question)
			}
			_, _ = io.WriteString(w, `{"runs": [{"info": {"run_id": "r1", "run_uuid": "r1", "run_name": "bold-crane", "experiment_id": "7"}, "data": {"metrics": [
				{"key": "val_acc", "value": 0.93, "timestamp": 1, "step": 2}, {"key": "loss", "value": "NaN"}, {"key": "worst", "value": "-Infinity"},
				{"key": "best", "value": 1.7976931348623157e+308}, {"key": "lowest", "value": -1.7976931348623157e+308}, {"key": "high", "value": 1e+308},
				{"key": "a\u001b[2J", "value": 1}, {"key": "a\n| b |", "value": 1}],
				"tags": [{"key": "mlflow.parentRunId", "value": "r0"}]}}]}`)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	})
	got, _, err := c.Runs(t.Context(), map[string]string{"slipway.run": "abc"}, 100)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Run{{
		ID: "r1", Name: "bold-crane", Experiment: "7", Tags: map[string]string{"mlflow.parentRunId": "r0"}, Metrics: map[string]float64{"val_acc": 0.93, "high": 1e308},
		NotFinite: []string{"best", "loss", "lowest", "worst"},
		Warnings:  []string{`MLflow: "a\x1b[2J" is not a name for a metric: use up to 200 bytes of text that can be printed`, `MLflow: "a\n| b |" is not a name for a metric: use up to 200 bytes of text that can be printed`},
	}}, got); diff != "" {
		t.Error(diff)
	}
	if !got[0].Nested() {
		t.Error("a run with a parent is not nested")
	}
	if got := got[0].Page("http://m:5000/"); got != "http://m:5000/#/experiments/7/runs/r1" {
		t.Errorf("its page is %s", got)
	}
	if got := (&Run{Experiment: "7/../8", ID: "a?b#c"}).Page("http://m:5000"); got != "http://m:5000/#/experiments/7%2F..%2F8/runs/a%3Fb%23c" {
		t.Errorf("the page of hostile ids is %s", got)
	}
}

// TestRunsInPages asks for the runs of a job, which take several answers.
func TestRunsInPages(t *testing.T) {
	c := server(t, func(w http.ResponseWriter, r *http.Request) {
		var question struct {
			Filter string `json:"filter"`
			Token  string `json:"page_token"`
		}
		_ = json.NewDecoder(r.Body).Decode(&question)
		if strings.HasSuffix(r.URL.Path, "experiments/search") {
			_, _ = io.WriteString(w, `{"experiments": [{"experiment_id": "0"}]}`)
			return
		}
		if question.Filter != "tags.`slipway.job` = 'train' and tags.`slipway.project` = 'churn'" {
			t.Errorf("it is asked for %s", question.Filter)
		}
		_, _ = io.WriteString(w, map[string]string{
			"":  `{"runs": [{"info": {"run_id": "r4"}}, {"info": {"run_id": "r3"}}], "next_page_token": "b"}`,
			"b": `{"runs": [{"info": {"run_id": "r2"}}, {"info": {"run_id": "r1"}}], "next_page_token": "c"}`,
		}[question.Token])
	})
	all, more, err := c.Runs(t.Context(), map[string]string{"slipway.project": "churn", "slipway.job": "train"}, 3)
	if err != nil || !more || len(all) != 3 || all[0].ID != "r2" || all[2].ID != "r4" {
		t.Errorf("the newest are %+v, %v", all, err)
	}
}

// TestErrors asks servers that do not answer as MLflow does. No error has the credentials, and no
// other server gets them.
func TestErrors(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a redirect is followed") }))
	t.Cleanup(other.Close)
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, strings.Replace(other.URL, "//", "//user:canary@", 1)+"/?token=canary", http.StatusTemporaryRedirect)
		}, "it redirects to " + other.URL + " (307): give the address at the end of the redirects, and not that of a page for a login"},
		"no login": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }, "it refuses the user (401)"},
		"the host": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, "Invalid Host header - possible DNS rebinding attack detected")
		}, "it refuses the request (403): Invalid Host header - possible DNS rebinding attack detected"},
		"a login page": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, "<html>log in</html>")
		}, "it refuses the user (403)"},
		"much text": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, strings.Repeat("é", 1000), http.StatusBadGateway)
		}, "it answers 502: " + strings.Repeat("é", maxMessage/2)},
		"another": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }, "it does not answer as MLflow does (200)"},
		"an error": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"error_code": "INTERNAL_ERROR", "message": "no table\nTraceback"}`, 500)
		}, "it answers 500: no table"},
		"a huge answer": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, maxAnswer+1)) }, "its answer cannot be read: it has more than 16 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := server(t, c.answer).Runs(t.Context(), map[string]string{"slipway.run": "abc"}, 100)
			if err == nil || err.Error() != c.want {
				t.Errorf("the error is %v, want %s", err, c.want)
			}
		})
	}
	silent := make(chan struct{})
	c := server(t, func(http.ResponseWriter, *http.Request) { <-silent })
	defer close(silent)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, _, err := c.Runs(ctx, map[string]string{"slipway.run": "abc"}, 100); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("of a silent server the error is %v", err)
	}
	c = server(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{}`) })
	if runs, _, err := c.Runs(t.Context(), map[string]string{"slipway.run": "abc"}, 100); err != nil || len(runs) > 0 {
		t.Errorf("of no experiments it returns %v, %v", runs, err)
	}
}

// TestManyMetrics reads a run of a server that sends more metrics than slipway shows.
func TestManyMetrics(t *testing.T) {
	c := server(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "experiments/search") {
			_, _ = io.WriteString(w, `{"experiments": [{"experiment_id": "0"}]}`)
			return
		}
		var all []map[string]any
		for n := range 100_000 {
			all = append(all, map[string]any{"key": fmt.Sprint("m", n), "value": n})
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"runs": []any{map[string]any{"info": map[string]any{"run_id": "r1"}, "data": map[string]any{"metrics": all}}}})
	})
	got, _, err := c.Runs(t.Context(), map[string]string{"slipway.run": "abc"}, 100)
	if err != nil || len(got) != 1 || len(got[0].Metrics) != metrics.MaxNames || len(got[0].Warnings) != 1 || !strings.Contains(got[0].Warnings[0], "98000 values of other names were left out") {
		t.Errorf("%d runs, %v", len(got), err)
	}
}
