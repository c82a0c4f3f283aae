package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/metrics"
	"github.com/slipway-ci/slipway/internal/polyaxon"
)

// TestMetricLimits reads the longest file, line and log that count, and what is one byte longer, which is
// never read as something shorter.
func TestMetricLimits(t *testing.T) {
	t.Parallel()
	const mebi = 1 << 20
	file := func(size int) string { return `{"auc": 0.8` + strings.Repeat(" ", size-len(`{"auc": 0.8}`)) + "}" }
	line := func(size int) string { return metrics.Word + " " + file(size-len(metrics.Word)-1) }
	short := metrics.Word + ` {"acc": 1}`
	for name, test := range map[string]struct {
		file    string
		log     []string
		want    map[string]float64
		warning string
	}{
		"a file of 1 MiB":   {file(mebi), nil, map[string]float64{"auc": 0.8}, ""},
		"a longer file":     {file(mebi + 1), nil, nil, "metrics.json cannot be read: it has more than 1 MiB"},
		"a line of 1 MiB":   {"", []string{line(mebi), short}, map[string]float64{"auc": 0.8, "acc": 1}, ""},
		"a longer line":     {"", []string{line(mebi + 1), short}, map[string]float64{"acc": 1}, "has more than 1 MiB: its metrics are left out"},
		"a log of 3 MiB":    {"", []string{strings.Repeat("x", 3*mebi-len(short)), short}, map[string]float64{"acc": 1}, ""},
		"a line after that": {"", []string{strings.Repeat("x", 3*mebi-len(short)), short, metrics.Word + ` {"acc": 2}`}, map[string]float64{"acc": 1}, "the log has more than 3 MiB: metrics of later lines are left out"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !strings.HasSuffix(r.URL.Path, "/logs") {
				_, _ = io.WriteString(w, test.file)
				return
			}
			var lines []map[string]string
			for n, value := range test.log {
				lines = append(lines, map[string]string{"timestamp": fmt.Sprintf("2026-11-24T12:00:0%dZ", n), "container": "polyaxon-main", "value": value})
			}
			_ = json.NewEncoder(w).Encode(map[string]any{"logs": lines})
		}))
		defer server.Close()
		client, err := polyaxon.New(polyaxon.Options{Host: server.URL})
		if err != nil {
			t.Fatal(err)
		}
		target := Target{Namespace: "n", Project: "p", UUID: strings.Repeat("a", 32), Kind: "job"}
		var files []File
		if test.file != "" {
			files = []File{{Path: "outputs/metrics.json"}}
		}
		got, _, warnings := metrics.Combine(writtenMetrics(t.Context(), client, target, files, nil), loggedMetrics(t.Context(), client, target, 3*mebi))
		if said := strings.Join(warnings, "\n"); !maps.Equal(got, test.want) || (test.warning == "") != (said == "") || !strings.Contains(said, test.warning) {
			t.Errorf("%s: %v, want %v; the warnings are %q, want %q", name, got, test.want, said, test.warning)
		}
	}
}

// TestUnreadSources asks a server that does not answer for metrics. What it may have is told from what it has not: a
// file that is not there has no metrics, also if the outputs could not be listed, such as because they are too many.
func TestUnreadSources(t *testing.T) {
	t.Parallel()
	status, body := 0, ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	defer server.Close()
	client, err := polyaxon.New(polyaxon.Options{Host: server.URL, Sleep: func(context.Context, time.Duration) error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	target := Target{Namespace: "n", Project: "p", UUID: strings.Repeat("a", 32), Kind: "job"}
	many := errors.New("run a has more than 10000 files")
	for name, test := range map[string]struct {
		status   int
		body     string
		unlisted error
		unread   bool
		want     map[string]float64
	}{
		"listed":                   {200, `{"auc": 0.8}`, nil, false, map[string]float64{"auc": 0.8}},
		"too many files":           {200, `{"auc": 0.8}`, many, false, map[string]float64{"auc": 0.8}},
		"too many, and not there":  {404, "", many, false, nil},
		"listed, and not readable": {403, "", nil, true, nil},
		"not readable at all":      {403, "", many, true, nil},
		"longer than it may be":    {200, strings.Repeat(" ", metrics.MaxFile+1), nil, false, nil},
	} {
		status, body = test.status, test.body
		source := writtenMetrics(t.Context(), client, target, []File{{Path: "outputs/metrics.json"}}, test.unlisted)
		got, _, _ := metrics.Combine(source)
		if unread := metrics.Unread(source); !maps.Equal(got, test.want) || (len(unread) > 0) != test.unread {
			t.Errorf("%s: %v, unread: %q", name, got, unread)
		}
	}
	status = 403
	if unread := metrics.Unread(trackedMetrics(t.Context(), client, target), loggedMetrics(t.Context(), client, target, 1<<20)); len(unread) != 2 {
		t.Errorf("of a server that refuses, %q is not read", unread)
	}
}
