package tasks

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/slipway-ci/slipway/internal/testenv"
)

// fromKubectl are manifests that kubectl apply applies, and fewer are the same with fewer fields.
const (
	fromKubectl = `apiVersion: apps/v1
kind: Deployment
metadata: {name: api, labels: {team: ml}, annotations: {note: old, kept: "yes"}}
spec:
  replicas: 0
  minReadySeconds: 5
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      containers:
      - {name: api, image: nginx, env: [{name: A, value: a}, {name: B, value: b}]}
      - {name: proxy, image: nginx}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {a: "1", b: "2"}
`
	fewer = `apiVersion: apps/v1
kind: Deployment
metadata: {name: api, annotations: {kept: "yes"}}
spec:
  replicas: 0
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      containers:
      - {name: api, image: nginx, env: [{name: A, value: a}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {a: "1"}
`
)

// manifestsOfKubectl applies manifests that kubectl apply has applied before, and that have lost
// fields since. Others' fields stay.
func manifestsOfKubectl(t *testing.T, access *rest.Config) {
	kubectl, clients := testenv.Kubectl(t), clientsOf(t, access)
	if _, err := clients.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "kubectl"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	v := vaultOn(t, access)
	v.write("slipway.yaml", "project: kubectl\ncluster: {kubeconfig: {path: kubeconfig}, namespace: kubectl}\nmanifests: [k8s.yaml]\n")
	v.write("k8s.yaml", fromKubectl)
	cmd := exec.CommandContext(t.Context(), kubectl, "--kubeconfig", "kubeconfig", "-n", "kubectl", "apply", "-f", "k8s.yaml")
	cmd.Dir, cmd.Env = v.dir, append(os.Environ(), "HOME="+filepath.Join(v.dir, "home"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	patch := []byte(`{"metadata":{"annotations":{"theirs":"stays"}}}`)
	if _, err := clients.AppsV1().Deployments("kubectl").Patch(t.Context(), "api", types.MergePatchType, patch, metav1.PatchOptions{FieldManager: "operator"}); err != nil {
		t.Fatal(err)
	}

	v.write("k8s.yaml", fewer)
	for what, do := range map[string]func(context.Context) (*Result, error){
		"plan":  func(ctx context.Context) (*Result, error) { return Plan(ctx, v.env, PlanOptions{}) },
		"apply": func(ctx context.Context) (*Result, error) { return Apply(ctx, v.env, ApplyOptions{}) },
	} {
		_, err := do(t.Context())
		for _, want := range []string{
			`k8s.yaml:1:1: Deployment api: the manifest leaves out what "kubectl-client-side-apply" has applied: `,
			".metadata.annotations.note", ".metadata.labels.team", ".spec.minReadySeconds", `.spec.template.spec.containers[name="proxy"], .spec.template.spec.containers[name="api"].env[name="B"] (--force-conflicts deletes it)`,
			`k8s.yaml:13:1: ConfigMap settings: the manifest leaves out what "kubectl-client-side-apply" has applied: .data.b (`,
		} {
			if ExitCode(err) != ExitStep || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v\nwant %s", what, err, want)
			}
		}
	}
	if before := theDeployment(t, clients); before.Spec.MinReadySeconds != 5 || len(before.Spec.Template.Spec.Containers) != 2 {
		t.Errorf("what was refused has changed the Deployment: %v", before.Spec)
	}

	// What the server refuses once the fields are gone is refused before anything is changed.
	v.write("k8s.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\nspec: {replicas: 0}\n")
	if _, err := Apply(t.Context(), v.env, ApplyOptions{ForceConflicts: true}); ExitCode(err) != ExitUsage || !strings.Contains(err.Error(), "k8s.yaml:1:1: ") || !strings.Contains(err.Error(), "spec.selector: Required value") {
		t.Errorf("without its selector: %v", err)
	}
	if before := theDeployment(t, clients); before.Spec.Template.Labels["app"] != "api" || len(before.ManagedFields) != 2 {
		t.Errorf("what was refused has changed the Deployment: %v", before)
	}

	v.write("k8s.yaml", fewer)
	planned, err := Plan(t.Context(), v.env, PlanOptions{ForceConflicts: true})
	if err != nil || len(planned.Manifests) != 2 {
		t.Fatal(planned, err)
	}
	applied, err := Apply(t.Context(), v.env, ApplyOptions{ForceConflicts: true})
	if err != nil || len(applied.Manifests) != 2 {
		t.Fatal(applied, err)
	}
	for n, m := range planned.Manifests {
		if diff := cmp.Diff(m.Diff, applied.Manifests[n].Diff); diff != "" {
			t.Errorf("%s: what was planned and what was done (-planned +done)\n%s", m.Name, diff)
		}
	}
	for _, want := range []string{"-  minReadySeconds: 5\n", "-    note: old\n", "-        - name: B\n", "-        name: proxy\n"} {
		if !strings.Contains(planned.Manifests[1].Diff, want) {
			t.Errorf("the plan lacks %q:\n%s", want, planned.Manifests[1].Diff)
		}
	}
	after := theDeployment(t, clients)
	containers := after.Spec.Template.Spec.Containers
	if after.Spec.MinReadySeconds != 0 || len(containers) != 1 || len(containers[0].Env) != 1 || *after.Spec.Replicas != 0 || after.Spec.RevisionHistoryLimit == nil {
		t.Errorf("the Deployment is %v", after.Spec)
	}
	if diff := cmp.Diff(map[string]string{"kept": "yes", "theirs": "stays"}, after.Annotations); diff != "" {
		t.Errorf("annotations (-want +got)\n%s", diff)
	}
	again, err := Plan(t.Context(), v.env, PlanOptions{})
	if err != nil || again.Manifests[0].Action != "unchanged" || again.Manifests[1].Action != "unchanged" {
		t.Errorf("again: %v, %v", again.Manifests, err)
	}
}

func theDeployment(t *testing.T, clients kubernetes.Interface) *appsv1.Deployment {
	t.Helper()
	found, err := clients.AppsV1().Deployments("kubectl").Get(t.Context(), "api", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
