package cluster

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
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
