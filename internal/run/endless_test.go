package run

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/slipway-ci/slipway/internal/polyaxon"
)

// TestEndlessPages lists the runs of a server that has the same run on each page, and says that there are more.
func TestEndlessPages(t *testing.T) {
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		_, _ = io.WriteString(w, fmt.Sprintf(`{"count": 4611686018427387904, "results": [{"uuid": "%032x", "status": "running"}]}`, 1))
	}))
	defer server.Close()
	client, err := polyaxon.New(polyaxon.Options{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	all, err := pages(t.Context(), client, "p", "name:train")
	if err == nil || !strings.Contains(err.Error(), "more than 10000 runs") || asked.Load() > 200 {
		t.Errorf("%d runs, %v, after %d requests", len(all), err, asked.Load())
	}
}
