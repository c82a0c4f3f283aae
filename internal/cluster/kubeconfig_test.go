package cluster

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/source"
)

// TestClusterHasAName checks that a cluster is named by its context. The error for a
// kubeconfig without a current context lists its contexts.
func TestClusterHasAName(t *testing.T) {
	const contexts = "contexts: [{name: ml, context: {cluster: c, user: u}}, {name: web, context: {cluster: c, user: u}}]\n"
	const rest = "apiVersion: v1\nkind: Config\nclusters: [{name: c, cluster: {server: \"https://k8s.acme.dev\"}}]\nusers: [{name: u, user: {token: secret}}]\n"
	for name, test := range map[string]struct{ text, context, want, err string }{
		"a context":          {rest + contexts, "web", "web", ""},
		"the current one":    {rest + contexts + "current-context: ml\n", "", "ml", ""},
		"another one":        {rest + contexts + "current-context: ml\n", "web", "web", ""},
		"none is current":    {rest + contexts, "", "", "the kubeconfig has no current-context: name one of its contexts (ml, web) by cluster.kubeconfig.context"},
		"there is none":      {rest, "", "", "the kubeconfig"},
		"one that is not":    {rest + contexts, "other", "", "the kubeconfig has no context other: it has ml, web"},
		"a near miss":        {rest + contexts, "wev", "", "the kubeconfig has no context wev: did you mean web?"},
		"no such user":       {rest + "contexts: [{name: ml, context: {cluster: c, user: eve}}]\n", "ml", "", "the kubeconfig has no user eve, which its context ml names"},
		"a server by itself": {rest + "contexts: [{name: \"\", context: {cluster: c, user: u}}]\n", "", "https://k8s.acme.dev", ""},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "kubeconfig")
			if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			access, called, err := Kubeconfig(path, test.context)
			switch {
			case test.err != "":
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Errorf("%v; want %q", err, test.err)
				}
			case err != nil || called != test.want || access.Host != "https://k8s.acme.dev":
				t.Errorf("it is called %q: %v", called, err)
			}
		})
	}
}

// TestOutdated says what to do about forms of credentials that Kubernetes no longer supports.
func TestOutdated(t *testing.T) {
	for user, want := range map[string]string{
		"auth-provider: {name: gcp, config: {cmd-path: gcloud}}":                  "cluster.gke",
		"exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: old}": "update the program",
	} {
		path := filepath.Join(t.TempDir(), "kubeconfig")
		text := "apiVersion: v1\nkind: Config\ncurrent-context: ml\ncontexts: [{name: ml, context: {cluster: c, user: u}}]\n" +
			"clusters: [{name: c, cluster: {server: \"https://k8s.acme.dev\"}}]\nusers: [{name: u, user: {" + user + "}}]\n"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		access, name, err := Kubeconfig(path, "")
		if err == nil {
			_, err = Connect(access, "ns", name)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", user, err)
		}
	}
}

// TestContent gives the content of a kubeconfig in place of its path, which no error shows.
func TestContent(t *testing.T) {
	const content = "users:\n- name: u\n  user: {token: secret}\n"
	for _, path := range []string{content, ""} {
		t.Setenv("KUBECONFIG", content)
		if _, _, err := Kubeconfig(path, ""); !errors.As(err, new(*source.ContentError)) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", path, err)
		}
	}
}
