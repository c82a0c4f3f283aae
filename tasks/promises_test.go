package tasks

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/secret"
)

// TestCheckSaysWhoReachesServices checks the note about services on a cluster, where no gate
// protects them.
func TestCheckSaysWhoReachesServices(t *testing.T) {
	const services = "services: {notebook: {polyaxonfile: job.yml, params: {DOCKER_IMAGE: 'x:1'}}}\n"
	for config, says := range map[string]bool{
		"project: story\npolyaxon: {host: 'http://127.0.0.1:1'}\n" + services: true,
		"project: story\n" + services:                                         false,
	} {
		env, events, _ := laptopWith(t, map[string]string{"slipway.yaml": config, "job.yml": strings.Replace(jobFile, "kind: job", "kind: service, ports: [8888]", 1)})
		if _, err := Check(t.Context(), env, CheckOptions{Version: "2.18"}); err != nil {
			t.Error(err)
		}
		if strings.Contains(events.String(), "has no authentication") != says {
			t.Errorf("check says %s of\n%s", events, config)
		}
	}
}

// TestEachCommandMasksAllSources checks that a command masks all secrets, even those that it
// does not use.
func TestEachCommandMasksAllSources(t *testing.T) {
	env, _, _ := laptopWith(t, map[string]string{
		"slipway.yaml": "project: story\nregistry: REGISTRY\nmlflow: {tracking-uri: 'http://m.example', username: u, password: 'file:mlflow'}\n" +
			"images: {api: {files: [job.yml]}}\njobs: {train: {polyaxonfile: job.yml, image: api, params: {KEY: 'secret:file:param'}}}\n",
		"job.yml": jobFile, "mlflow": "hunter2-of-mlflow", "param": "hunter2-of-a-param",
	})
	masker := secret.NewMasker()
	env.Secrets = masker
	if _, err := Images(t.Context(), env); err != nil {
		t.Fatal(err)
	}
	if got := masker.Mask("hunter2-of-mlflow, hunter2-of-a-param"); got != "***, ***" {
		t.Errorf("a job's line is shown as %s", got)
	}
}

// TestNoDefaultServer has a Polyaxon server and its token in the variables of Polyaxon's own client.
// Nothing is sent there, because slipway.yaml does not name it.
func TestNoDefaultServer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("it gets %s %s", r.Method, r.URL)
		http.Error(w, "not here", http.StatusTeapot)
	}))
	defer server.Close()
	env, _, _ := laptopWith(t, map[string]string{"slipway.yaml": "project: story\njobs: {train: {polyaxonfile: job.yml, params: {DOCKER_IMAGE: 'x:1'}}}\n", "job.yml": jobFile})
	env.Lookup = os.LookupEnv
	for name, value := range map[string]string{"POLYAXON_HOST": server.URL, "POLYAXON_AUTH_TOKEN": "token", "POLYAXON_API_HOST": server.URL, "KUBECONFIG": "none"} {
		t.Setenv(name, value)
	}
	for name, run := range map[string]func() error{
		"check":          func() error { _, err := Check(t.Context(), env, CheckOptions{}); return err },
		"plan":           func() error { _, err := Plan(t.Context(), env, PlanOptions{}); return err },
		"cluster status": func() error { _, err := ClusterStatus(t.Context(), env); return err },
	} {
		if err := run(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Runs(t.Context(), env, RunsOptions{}); err == nil || !strings.Contains(err.Error(), "start the sandbox") {
		t.Errorf("runs does not go to the sandbox: %v", err)
	}
}
