package polyaxon

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestManyMetricNames asks for so many metrics that a proxy refuses an address with the names of all of them.
func TestManyMetricNames(t *testing.T) {
	t.Parallel()
	requests := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests++; len(r.RequestURI) > 8<<10 {
			w.WriteHeader(http.StatusRequestURITooLong)
			return
		}
		var data []any
		for name := range strings.SplitSeq(r.URL.Query().Get("names"), ",") {
			data = append(data, map[string]any{"name": name, "data": map[string]any{"step": []int{0}, "metric": []float64{1}}})
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"data": data})
	}))
	t.Cleanup(server.Close)
	c, err := New(Options{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for n := range 500 {
		names = append(names, fmt.Sprintf("val/per-class/%04d é", n))
	}
	names = append(names, strings.Repeat("x", maxNamesQuery))
	found, err := c.Metrics(t.Context(), Artifact{Namespace: "n", Project: "p", UUID: "u"}, names)
	if err != nil || len(found) != len(names) || requests > 6 {
		t.Errorf("%d metrics after %d requests, %v", len(found), requests, err)
	}
}
