package service

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/runs"
)

// TestPageOrRoot asks services with and without the page that their operation names.
func TestPageOrRoot(t *testing.T) {
	var starting atomic.Int64
	mux := http.NewServeMux()
	mux.HandleFunc("/both/{$}", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/both/docs", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/root/{$}", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/page/docs", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/starting/", func(w http.ResponseWriter, _ *http.Request) {
		if starting.Add(1) == 1 {
			w.WriteHeader(http.StatusBadGateway)
		}
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	s := &Service{Platform: &platform.Platform{Project: &project.Project{Env: &project.Env{}}}}
	r := &polyaxon.Run{Content: `{"run":{"environment":{"annotations":{"slipway/page":"/docs"}}}}`}
	for name, want := range map[string]string{"both": "both/docs", "root": "root/", "page": "page/docs", "starting": "starting/docs", "neither": ""} {
		root := server.URL + "/" + name + "/"
		address, code, said := s.probePageOrRoot(t.Context(), http.DefaultTransport, runs.FirstPage(root, r), root)
		if answers(code) != (want != "") || want != "" && address != server.URL+"/"+want {
			t.Errorf("%s answers %d %s at %s, want %s", name, code, said, address, want)
		}
	}
}
