package tasks

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/lint"
	"github.com/slipway-ci/slipway/internal/sandbox/sandboxtest"
	"github.com/slipway-ci/slipway/internal/testenv"
	"github.com/slipway-ci/slipway/tasks/report"
)

// TestSecretsOnCluster syncs secrets to a real API server as a user with the minimal
// permissions, and to namespaces that do not exist.
func TestSecretsOnCluster(t *testing.T) {
	access := testenv.Kubernetes(t)
	clients := clientsOf(t, access)
	must := must(t)
	const namespace = "polyaxon-v1"
	must(clients.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}, metav1.CreateOptions{}))
	named := metav1.ObjectMeta{Name: "deploys"}
	must(clients.RbacV1().Roles(namespace).Create(t.Context(), &rbacv1.Role{ObjectMeta: named,
		Rules: []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"get", "create", "patch"}}}}, metav1.CreateOptions{}))
	must(clients.RbacV1().RoleBindings(namespace).Create(t.Context(), &rbacv1.RoleBinding{ObjectMeta: named,
		RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "deploys"},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: "ci"}}}, metav1.CreateOptions{}))
	poor := rest.CopyConfig(access)
	poor.Impersonate.UserName = "ci"

	t.Chdir(t.TempDir())
	events := &eventLog{}
	env := &Env{Dir: ".", Events: events, Transport: http.DefaultTransport, Now: time.Now,
		Lookup: func(name string) (string, bool) { return "a-secret-value", name == "TOKEN" }}
	write := func(access *rest.Config, cluster string) {
		t.Helper()
		for name, text := range map[string]string{
			"kubeconfig":   writeKubeconfig(t, access),
			"slipway.yaml": "project: story\nregistry: 127.0.0.1:1/none\ncluster: {kubeconfig: {path: kubeconfig}, namespace: " + cluster + "}\nsecrets: {token: {data: {token: env:TOKEN}}, other: {data: {token: env:TOKEN}}}\n",
		} {
			if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}

	// The user may only get, create and patch.
	write(poor, namespace)
	for _, want := range []report.Action{report.ActionCreate, report.ActionUnchanged} {
		plan, err := SecretsPlan(t.Context(), env, SecretsOptions{})
		must(nil, err)
		synced, err := SecretsSync(t.Context(), env, SecretsOptions{})
		must(nil, err)
		if len(plan.Secrets) != 2 || plan.Secrets[0].Action != want || synced.Secrets[1].Action != want {
			t.Errorf("planned %+v, did %+v, want %s", plan.Secrets, synced.Secrets, want)
		}
	}
	if _, err := SecretsSync(t.Context(), env, SecretsOptions{Prune: true}); !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "list and delete for --prune") || !strings.Contains(err.Error(), "cluster a:") {
		t.Errorf("to prune: %v", err)
	}

	secretsRefused(t, access, env, func(access *rest.Config) { write(access, namespace) })

	// check must get each Secret by name after rendering templates: this user may not list
	// Secrets.
	must(clients.CoreV1().Secrets(namespace).Create(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "acme-token"}}, metav1.CreateOptions{}))
	for name, text := range map[string]string{
		"slipway.yaml": "project: story\nregistry: 127.0.0.1:1/none\ncluster: {kubeconfig: {path: kubeconfig}, namespace: " + namespace + "}\nsecrets: {token: {data: {token: env:TOKEN}}}\n" +
			"jobs:\n  there: {polyaxonfile: job.yml, credentials: false, params: {TEAM: acme}}\n  typo: {polyaxonfile: job.yml, credentials: false, params: {TEAM: acne}}\n",
		"job.yml": "version: 1.1\nkind: component\ninputs: [{name: TEAM, type: str}]\nrun:\n  kind: job\n  container:\n    image: a:1\n" +
			"    envFrom: [{secretRef: {name: '{{ TEAM }}-token'}}, {secretRef: {name: token}}]\n",
	} {
		must(nil, os.WriteFile(name, []byte(text), 0o600))
	}
	events.text.Reset()
	checked, err := Check(t.Context(), env, CheckOptions{Version: "2.18"})
	if missing := checked.Problems; ExitCode(err) != ExitUsage || len(missing) != 1 || missing[0].Name != lint.MissingSecret || missing[0].Line != 8 || !strings.Contains(missing[0].Message, "secret acne-token not found") {
		t.Errorf("check: %v, %+v", err, missing)
	}
	if strings.Contains(events.String(), "secrets") {
		t.Errorf("check says\n%s", events)
	}

	// With a typo in the namespace, nothing is created and the error suggests the right name.
	write(access, "polyaxon-v2")
	_, err = SecretsSync(t.Context(), env, SecretsOptions{})
	if ExitCode(err) != ExitUsage || !strings.HasPrefix(err.Error(), "slipway.yaml:3:") || !strings.Contains(err.Error(), "cluster a has no namespace polyaxon-v2: did you mean polyaxon-v1?") {
		t.Errorf("a namespace that is not there: %v", err)
	}
	if _, err := clients.CoreV1().Namespaces().Get(t.Context(), "polyaxon-v2", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("it was created: %v", err)
	}

	if result, err := ClusterStatus(t.Context(), env); ExitCode(err) != ExitUsage || result.Cluster != nil || !strings.HasPrefix(err.Error(), "slipway.yaml:3:") || !strings.Contains(err.Error(), "did you mean polyaxon-v1?") {
		t.Errorf("cluster status of a namespace that is not there: %+v, %v", result, err)
	}

	// plan and deploy report it before anything is built, even if no secrets are written there.
	write(access, "polyaxon-v2")
	text, err := os.ReadFile("slipway.yaml")
	must(nil, err)
	jobs := strings.Replace(string(text), "secrets: {token: {data: {token: env:TOKEN}}, other: {data: {token: env:TOKEN}}}", "polyaxon: {host: '"+sandboxtest.Polyaxon(t, "1.11.3", "")+"'}\njobs: {job: {polyaxonfile: job.yml, credentials: false}}", 1)
	must(nil, os.WriteFile("slipway.yaml", []byte(jobs), 0o600))
	must(nil, os.WriteFile("job.yml", []byte("version: 1.1\nkind: component\nrun: {kind: job, container: {image: busybox, command: [\"true\"]}}\n"), 0o600))
	_, planned := Plan(t.Context(), env, PlanOptions{})
	_, deployed := Deploy(t.Context(), env, DeployOptions{})
	for what, err := range map[string]error{"plan": planned, "deploy": deployed} {
		if ExitCode(err) != ExitUsage || !strings.Contains(err.Error(), "cluster a has no namespace polyaxon-v2: did you mean polyaxon-v1?") {
			t.Errorf("%s of jobs into a namespace that is not there: %v", what, err)
		}
	}

	// With create-namespace, plan names the namespace and sync creates it.
	write(access, "polyaxon-v2, create-namespace: true")
	if result, err := ClusterStatus(t.Context(), env); err != nil || result.Cluster.Hidden[0] != (report.Hidden{What: "namespace", Reason: "it does not exist yet: deploy creates it"}) {
		t.Errorf("cluster status of a namespace to be created: %+v, %v", result.Cluster, err)
	}
	plan, err := SecretsPlan(t.Context(), env, SecretsOptions{})
	must(nil, err)
	whole, err := Plan(t.Context(), env, PlanOptions{})
	must(nil, err)
	if plan.CreateNamespace != "polyaxon-v2" || whole.CreateNamespace != "polyaxon-v2" || whole.Changes != 3 {
		t.Errorf("the plans name %q and %q, and %d changes", plan.CreateNamespace, whole.CreateNamespace, whole.Changes)
	}
	forRuns := strings.Replace(jobs, "namespace: polyaxon-v2", "namespace: polyaxon-v3, create-namespace: true", 1)
	must(nil, os.WriteFile("slipway.yaml", []byte(forRuns), 0o600))
	whole, err = Plan(t.Context(), env, PlanOptions{})
	must(nil, err)
	if whole.CreateNamespace != "polyaxon-v3" || whole.Changes != 2 {
		t.Errorf("the plan of jobs alone names %q, and %d changes", whole.CreateNamespace, whole.Changes)
	}
	write(access, "polyaxon-v2, create-namespace: true")
	must(SecretsSync(t.Context(), env, SecretsOptions{}))
	must(clients.CoreV1().Namespaces().Get(t.Context(), "polyaxon-v2", metav1.GetOptions{}))
	if !strings.Contains(events.String(), "polyaxon-v2: namespace created") {
		t.Errorf("it says\n%s", events)
	}
}
