package tasks

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"github.com/slipway-ci/slipway/internal/dockerfile"
	"github.com/slipway-ci/slipway/internal/testenv"
)

// TestDocumentedRights gives a user of a real API server the rights of docs/security.md.
// They are all that a deploy uses, and nothing else.
func TestDocumentedRights(t *testing.T) {
	access := testenv.Kubernetes(t)
	clients := clientsOf(t, access)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	role, everywhere := documentedRights(t)
	if _, err := clients.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "polyaxon-v1"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	allow(t, clients, "least", role.Rules...)
	if _, err := clients.RbacV1().ClusterRoles().Create(ctx, everywhere, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := clients.RbacV1().ClusterRoleBindings().Create(ctx, &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: "least"}, Subjects: []rbacv1.Subject{{Kind: "User", Name: "least"}},
		RoleRef: rbacv1.RoleRef{Kind: "ClusterRole", Name: everywhere.Name}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	config := "project: story\nregistry: 127.0.0.1:1/none\ncluster: {kubeconfig: {path: kubeconfig}, namespace: polyaxon-v1, create-namespace: true}\n" +
		"volume: {claim: data, create: {size: 1Gi, access: ReadWriteMany}}\nsecrets: {token: {data: {key: env:KEY}}}\nimages: {tool: {dockerfile: Dockerfile}}\n" +
		"data: {raw: {from: raw, to: \"volume:/raw\"}}\n"
	if err := os.WriteFile("slipway.yaml", []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	as(t, access, "least")
	env := &Env{Dir: ".", Transport: http.DefaultTransport, Now: time.Now, Lookup: func(name string) (string, bool) { return "value", name == "KEY" }}
	var unmet []string
	for { // RBAC is cached
		result, err := ClusterStatus(ctx, env)
		if err != nil {
			t.Fatal(err)
		}
		used := map[string]bool{}
		unmet = nil
		for _, r := range result.Cluster.Rights {
			used[r.Verb+" "+r.Resource] = true
			if r.Allowed == nil || !*r.Allowed {
				unmet = append(unmet, r.Verb+" "+r.Resource)
			}
		}
		if len(unmet) == 0 {
			if diff := cmp.Diff(granted(role.Rules, everywhere.Rules), slices.Sorted(maps.Keys(used))); diff != "" {
				t.Errorf("docs/security.md grants other rights than a deploy uses (-docs +used):\n%s", diff)
			}
			break
		}
		select {
		case <-ctx.Done():
			t.Fatalf("the rights of docs/security.md lack %q", unmet)
		case <-time.After(20 * time.Millisecond):
		}
	}
	if result, err := SecretsSync(ctx, env, SecretsOptions{Prune: true}); err != nil || len(result.Secrets) != 1 {
		t.Errorf("sync: %+v, %v", result, err)
	}
	buildsInCluster(ctx, t, access)
}

// buildsInCluster starts BuildKit in the cluster. Nothing makes its pod there.
func buildsInCluster(ctx context.Context, t *testing.T, access *rest.Config) {
	t.Helper()
	access = rest.CopyConfig(access)
	access.Impersonate.UserName = "least"
	in := &dockerfile.Kubernetes{Config: access, Namespace: "polyaxon-v1", Timeout: time.Millisecond}
	_, err := dockerfile.Find(ctx, dockerfile.Finder{Environ: []string{}, Sockets: []string{filepath.Join(t.TempDir(), "none")}, Kubernetes: in})
	if err == nil || !strings.Contains(err.Error(), "is not ready after 1ms: it has no pod yet") {
		t.Errorf("BuildKit with the rights of docs/security.md: %v", err)
	}
}

// documentedRights returns the Role and the ClusterRole of docs/security.md.
func documentedRights(t *testing.T) (*rbacv1.Role, *rbacv1.ClusterRole) {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(testenv.Root(t), "docs", "security.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := bytes.Cut(page, []byte("```yaml\n"))
	block, _, _ := bytes.Cut(after, []byte("```\n"))
	first, second, _ := strings.Cut(string(block), "---\n")
	role, everywhere := &rbacv1.Role{}, &rbacv1.ClusterRole{}
	if err := yaml.UnmarshalStrict([]byte(first), role); err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict([]byte(second), everywhere); err != nil {
		t.Fatal(err)
	}
	return role, everywhere
}

// granted returns the rights of rules, sorted.
func granted(lists ...[]rbacv1.PolicyRule) []string {
	all := map[string]bool{}
	for _, rule := range slices.Concat(lists...) {
		for _, resource := range rule.Resources {
			if group := rule.APIGroups[0]; group != "" {
				resource = fmt.Sprintf("%s.%s", resource, group)
			}
			for _, verb := range rule.Verbs {
				all[verb+" "+resource] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(all))
}
