package testenv

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const mainContainer = "polyaxon-main"

func podName(uuid string) string { return "plx-operation-" + uuid + "-0" }

// cluster serves the part of the Kubernetes API that a Polyaxon server uses to read live
// lines: a run's resource, its pod, and the pod's log. A run without a process has none
// of them.
func (a *agent) cluster() http.Handler {
	m := http.NewServeMux()
	none := func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"kind":"Status","status":"Failure","reason":"NotFound","code":404}`)
	}
	m.HandleFunc("GET /apis/polyaxon.com/v1/namespaces/{namespace}/{kind}/{name}", func(w http.ResponseWriter, r *http.Request) {
		if a.pod(strings.TrimPrefix(r.PathValue("name"), "plx-operation-")) == nil {
			none(w)
			return
		}
		answer(w, map[string]any{"apiVersion": "polyaxon.com/v1", "kind": "Job", "metadata": map[string]any{"name": r.PathValue("name")}, "status": map[string]any{}})
	})
	m.HandleFunc("GET /api/v1/namespaces/{namespace}/pods", func(w http.ResponseWriter, r *http.Request) {
		items := []any{}
		for selector := range strings.SplitSeq(r.URL.Query().Get("labelSelector"), ",") {
			uuid, ok := strings.CutPrefix(selector, "app.kubernetes.io/instance=")
			if ok && a.pod(uuid) != nil {
				items = append(items, map[string]any{"metadata": map[string]any{"name": podName(uuid)}, "status": map[string]any{"phase": "Running"},
					"spec": map[string]any{"nodeName": "n", "containers": []any{map[string]any{"name": mainContainer, "image": "none"}}}})
			}
		}
		answer(w, map[string]any{"apiVersion": "v1", "kind": "PodList", "metadata": map[string]any{}, "items": items})
	})
	m.HandleFunc("GET /api/v1/namespaces/{namespace}/pods/{name}/log", func(w http.ResponseWriter, r *http.Request) {
		uuid := strings.TrimSuffix(strings.TrimPrefix(r.PathValue("name"), "plx-operation-"), "-0")
		var since time.Time
		if text := r.URL.Query().Get("sinceSeconds"); text != "" {
			seconds, err := strconv.Atoi(text)
			if err != nil || seconds < 1 { // like an API server
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(http.StatusUnprocessableEntity)
				fmt.Fprint(w, `{"kind":"Status","status":"Failure","reason":"Invalid","message":"sinceSeconds: must be greater than 0","code":422}`)
				return
			}
			since = a.now().Add(-time.Duration(seconds) * time.Second) // like a kubelet
		}
		for _, l := range a.pod(uuid) {
			if l.at.Before(since) {
				continue
			}
			fmt.Fprintf(w, "%s %s\n", l.at.Format("2006-01-02T15:04:05.000000000Z"), l.text)
		}
	})
	return m
}

// pod returns the lines of a run's pod, or nil if it has no pod.
func (a *agent) pod(uuid string) []podLine {
	a.mu.Lock()
	defer a.mu.Unlock()
	if p := a.pods[uuid]; p != nil {
		return append([]podLine{}, p.lines...)
	}
	return nil
}

func answer(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body)
}

// kubeconfig writes the kubeconfig below home that a Polyaxon server uses to find the
// cluster.
func kubeconfig(home string, cluster *httptest.Server) error {
	text := fmt.Sprintf("apiVersion: v1\nkind: Config\ncurrent-context: a\nclusters: [{name: a, cluster: {server: %q}}]\nusers: [{name: a, user: {}}]\ncontexts: [{name: a, context: {cluster: a, user: a}}]\n", cluster.URL)
	if err := os.MkdirAll(filepath.Join(home, ".kube"), 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(home, ".kube", "config"), []byte(text), 0o600)
}
