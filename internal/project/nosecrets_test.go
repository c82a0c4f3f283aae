package project

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/tasks/report"
)

// TestNoSecrets decides whether a pull request of a fork gets no secrets: it does if one is missing
// that slipway.yaml needs.
func TestNoSecrets(t *testing.T) {
	fork := map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "pull_request"}
	for _, test := range []struct {
		name, yaml string
		set        map[string]string
		want       string // in the reason; "" for none
	}{
		{"the sandbox", "", nil, ""},
		{"a token that is not set", "polyaxon: {host: https://p.example.com, token: env:PLX}", nil, "env:PLX is empty"},
		{"a token that is empty", "polyaxon: {host: https://p.example.com, token: env:PLX}", map[string]string{"PLX": ""}, "env:PLX is empty"},
		{"a token that the repository gives to forks", "polyaxon: {host: https://p.example.com, token: env:PLX}", map[string]string{"PLX": "token"}, ""},
		{"one of two", "secrets: {s: {data: {A: env:A, B: env:B}}}", map[string]string{"A": "a"}, "env:B is empty"},
		{"a file of the repository, and a place elsewhere", "registry: r.example.com/team\nsecrets: {s: {data: {A: file:slipway.yaml}}}", nil, "slipway.yaml names none for r.example.com"},
		{"Google's registry", "registry: europe-docker.pkg.dev/p/r", nil, "no credentials for Google Cloud"},
		{"Google's registry, with an OIDC token", "registry: europe-docker.pkg.dev/p/r", map[string]string{"ACTIONS_ID_TOKEN_REQUEST_TOKEN": "x"}, ""},
		{"the action's identity federation", "", map[string]string{"SLIPWAY_WORKLOAD_IDENTITY_PROVIDER": "projects/1"}, "no credentials for Google Cloud"},
		{"a secret of Secret Manager", "secrets: {s: {data: {A: gcp-secret-manager:projects/p/secrets/s}}}", nil, "no credentials for Google Cloud"},
		{"a registry elsewhere", "registry: ghcr.io/acme", nil, "slipway.yaml names none for ghcr.io"},
		{"a server elsewhere", "polyaxon: {host: https://p.example.com}", nil, "slipway.yaml names none for https://p.example.com"},
		{"places of this machine", "registry: localhost:5001/team\npolyaxon: {host: \"http://127.0.0.1:8000\"}\ncluster: {kubeconfig: {path: kind}}", nil, ""},
		{"a cluster elsewhere", "registry: localhost:5001/team\ncluster: {kubeconfig: {path: other}}", nil, "slipway.yaml names none for its cluster"},
		{"a branch of the repository", "registry: ghcr.io/acme", map[string]string{"GITHUB_EVENT_NAME": "push"}, ""},
		{"not a workflow of GitHub", "registry: ghcr.io/acme", map[string]string{"GITHUB_ACTIONS": ""}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			const kubeconfig = "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{name: c, context: {cluster: c, user: u}}]\nclusters: [{name: c, cluster: {server: \"https://HOST:6443\"}}]\nusers: [{name: u, user: {token: t}}]\n"
			for name, text := range map[string]string{
				"slipway.yaml": "project: churn\n" + test.yaml + "\n", "kind": strings.Replace(kubeconfig, "HOST", "127.0.0.1", 1), "other": strings.Replace(kubeconfig, "HOST", "k.example.com", 1),
				"event.json": `{"pull_request": {"number": 7, "head": {"repo": {"full_name": "mallory/churn"}}, "base": {"repo": {"full_name": "acme/churn"}}}}`,
			} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			variables := maps.Clone(fork)
			maps.Copy(variables, test.set)
			variables["GITHUB_EVENT_PATH"] = filepath.Join(dir, "event.json")
			p, err := Open(t.Context(), &Env{
				Dir: dir, File: filepath.Join(dir, "slipway.yaml"), Events: NewRecorder(report.Discard{}, time.Now), Now: time.Now, Transport: nil,
				Lookup: func(name string) (string, bool) { v, ok := variables[name]; return v, ok },
			})
			if err != nil {
				t.Fatal(err)
			}
			if got := p.NoSecrets; (got == "") != (test.want == "") || !strings.Contains(got, test.want) || got != "" && !strings.Contains(got, "the fork mallory/churn") {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
