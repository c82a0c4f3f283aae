package tasks

import (
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/registry"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/slipway-ci/slipway/internal/testenv"
)

// serverManifest is a Deployment of the image api.
const serverManifest = `apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  replicas: ${REPLICAS}
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec: {containers: [{name: api, image: slipway://api}]}
`

// modelManifest is a kind of its own, and an object of it.
const modelManifest = `apiVersion: serving.acme.dev/v1
kind: Model
metadata: {name: m}
spec: {server: slipway://api}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: models.serving.acme.dev}
spec:
  group: serving.acme.dev
  names: {kind: Model, plural: models}
  scope: Namespaced
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]
`

// TestManifests plans, applies, changes and prunes manifests on a real API server.
func TestManifests(t *testing.T) {
	access := testenv.Kubernetes(t)
	clients := clientsOf(t, access)
	if _, err := clients.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "ns"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	images := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(images.Close)
	v := vaultOn(t, access)
	v.values["REPLICAS"], v.values["TOKEN"] = "1", "the-first-value"
	config := "project: story\nregistry: " + strings.TrimPrefix(images.URL, "http://") + "/story\ncluster: {kubeconfig: {path: kubeconfig}, namespace: ns}\nimages: {api: {files: [page.html]}}\nmanifests: [k8s]\n"
	v.write("slipway.yaml", config)
	v.write("page.html", "hello")
	if err := os.Mkdir(filepath.Join(v.dir, "k8s"), 0o700); err != nil {
		t.Fatal(err)
	}
	const service = "apiVersion: v1\nkind: Service\nmetadata: {name: api, namespace: ns}\nspec: {selector: {app: api}, ports: [{port: 80}]}\n"
	const token = "apiVersion: v1\nkind: Secret\nmetadata: {name: token}\nstringData: {token: '${TOKEN}', plain: same}\n"
	v.write("k8s/api.yaml", serverManifest+"---\n"+service)
	v.write("k8s/token.yaml", token)
	v.write("k8s/model.yaml", modelManifest)

	actions := func(result *Result, err error) []string {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
		var all []string
		for _, m := range result.Manifests {
			all = append(all, m.Kind+" "+m.Name+": "+string(m.Action))
		}
		if text, err := json.Marshal(result); err != nil || strings.Contains(string(text), "-value") || strings.Contains(string(text), "LXZhbHVl") {
			t.Errorf("a value is shown: %s %v", text, err)
		}
		return all
	}
	expect := func(what string, have []string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, have); diff != "" {
			t.Errorf("%s (-want +got)\n%s", what, diff)
		}
	}
	replicas := func() int32 {
		t.Helper()
		d, err := clients.AppsV1().Deployments("ns").Get(t.Context(), "api", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if image := d.Spec.Template.Spec.Containers[0].Image; !strings.Contains(image, "/story/api@sha256:") {
			t.Errorf("the image is %s", image)
		}
		return *d.Spec.Replicas
	}
	all := func(action string) []string {
		return []string{"CustomResourceDefinition models.serving.acme.dev: " + action, "Secret token: " + action, "Service api: " + action, "Deployment api: " + action, "Model m: " + action}
	}

	expect("plan", actions(Plan(t.Context(), v.env, PlanOptions{})), all("create")...)
	if list, err := clients.AppsV1().Deployments("ns").List(t.Context(), metav1.ListOptions{}); err != nil || len(list.Items) > 0 {
		t.Errorf("a plan creates %v, %v", list.Items, err)
	}
	expect("deploy", actions(Deploy(t.Context(), v.env, DeployOptions{})), all("create")...)
	if n := replicas(); n != 1 {
		t.Errorf("%d replicas", n)
	}
	expect("apply again", actions(Apply(t.Context(), v.env, ApplyOptions{Prune: true})), all("unchanged")...)

	v.values["TOKEN"] = "the-other-value"
	planned, err := Plan(t.Context(), v.env, PlanOptions{})
	expect("plan a value", actions(planned, err), append(append([]string{}, all("unchanged")[0], "Secret token: update"), all("unchanged")[2:]...)...)
	if diff := planned.Manifests[1].Diff; !strings.Contains(diff, "-  token: '***'\n+  token: '*** (changed)'\n") || strings.Contains(diff, "-  plain") {
		t.Errorf("the diff is\n%s", diff)
	}

	// Another field manager sets the replicas. They stay until slipway is told to take them over.
	if _, err := clients.AppsV1().Deployments("ns").Patch(t.Context(), "api", types.MergePatchType, []byte(`{"spec":{"replicas":5}}`), metav1.PatchOptions{FieldManager: "kubectl-scale"}); err != nil {
		t.Fatal(err)
	}
	v.write("page.html", "changed")
	for what, do := range map[string]func() (*Result, error){
		"apply":  func() (*Result, error) { return Apply(t.Context(), v.env, ApplyOptions{}) },
		"plan":   func() (*Result, error) { return Plan(t.Context(), v.env, PlanOptions{}) },
		"deploy": func() (*Result, error) { return Deploy(t.Context(), v.env, DeployOptions{}) },
	} {
		result, err := do()
		if ExitCode(err) != ExitStep || !strings.Contains(err.Error(), `conflict with "kubectl-scale"`) || !strings.Contains(err.Error(), "--force-conflicts takes them over") ||
			what != "plan" && len(result.Images) > 0 {
			t.Errorf("%s with a conflict: %v, images %v", what, err, result.Images)
		}
	}
	if n := replicas(); n != 5 {
		t.Errorf("%d replicas", n)
	}
	if _, err := Apply(t.Context(), v.env, ApplyOptions{ForceConflicts: true}); err != nil || replicas() != 1 {
		t.Errorf("%d replicas, %v", replicas(), err)
	}

	// Without the manifest, the object stays until it is pruned. What slipway did not apply stays.
	v.write("k8s/api.yaml", serverManifest)
	byHand := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "by-hand"}, Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}}}
	if _, err := clients.CoreV1().Services("ns").Create(t.Context(), byHand, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	left := []string{"CustomResourceDefinition models.serving.acme.dev: unchanged", "Secret token: unchanged", "Deployment api: unchanged", "Model m: unchanged"}
	expect("apply without the service", actions(Apply(t.Context(), v.env, ApplyOptions{})), left...)
	expect("prune", actions(Apply(t.Context(), v.env, ApplyOptions{Prune: true})), append(left, "Service api: prune")...)
	expect("prune again", actions(Apply(t.Context(), v.env, ApplyOptions{Prune: true})), left...)
	if _, err := clients.CoreV1().Services("ns").Get(t.Context(), "api", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("the service is not pruned: %v", err)
	}
	if _, err := clients.CoreV1().Services("ns").Get(t.Context(), "by-hand", metav1.GetOptions{}); err != nil {
		t.Error(err)
	}

	// Mistakes are found before anything is changed.
	for text, want := range map[string]string{
		"apiVersion: apps/v1\nkind: Deploymnt\nmetadata: {name: b}\n":                          "has no kind Deploymnt of apps/v1: did you mean Deployment?",
		"apiVersion: extensions/v1beta1\nkind: Deployment\nmetadata: {name: b}\n":              "has no kind Deployment of extensions/v1beta1: did you mean apiVersion: apps/v1?",
		"apiVersion: v1\nkind: Deployment\nmetadata: {name: b}\n":                              "has no kind Deployment of v1: did you mean apiVersion: apps/v1?",
		"apiVersion: none.acme.dev/v1\nkind: None\nmetadata: {name: b}\n":                      "has no kind None of none.acme.dev/v1",
		"apiVersion: v1\nkind: Service\nmetadata: {name: b}\nspec: {ports: [{port: 70000}]}\n": "spec.ports[0].port: Invalid value: 70000",
		"apiVersion: v1\nkind: Service\nmetadata: {name: b}\nspec: {prots: []}\n":              ".spec.prots: field not declared in schema",
	} {
		v.write("k8s/wrong.yaml", text)
		for what, do := range map[string]func() (*Result, error){
			"apply": func() (*Result, error) { return Apply(t.Context(), v.env, ApplyOptions{}) },
			"plan":  func() (*Result, error) { return Plan(t.Context(), v.env, PlanOptions{}) },
		} {
			if _, err := do(); ExitCode(err) != ExitUsage || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "wrong.yaml:1:1: ") {
				t.Errorf("%s: exit code %d: %v\nwant %s", what, ExitCode(err), err, want)
			}
		}
	}

	v.write("k8s/wrong.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: b}\nstringData: {pin: 8472916}\n")
	if _, err := Apply(t.Context(), v.env, ApplyOptions{}); ExitCode(err) != ExitUsage || !strings.Contains(err.Error(), ".stringData.pin: expected string") || strings.Contains(err.Error(), "8472916") {
		t.Errorf("a secret that is no text: exit code %d: %v", ExitCode(err), err)
	}

	t.Run("faults", func(t *testing.T) { manifestFaults(t, access) })
	t.Run("interrupt", func(t *testing.T) { manifestInterrupt(t, access) })
	t.Run("claim", func(t *testing.T) { manifestClaim(t, access) })
	t.Run("after", func(t *testing.T) { manifestsAfterJobs(t, access) })
	t.Run("rivals", func(t *testing.T) { manifestRivals(t, access) })
	t.Run("job", func(t *testing.T) { manifestJob(t, access, strings.TrimPrefix(images.URL, "http://")) })
	t.Run("quota", func(t *testing.T) { manifestQuota(t, access) })
	t.Run("answers", func(t *testing.T) { manifestAnswers(t, access) })
	t.Run("leaving", func(t *testing.T) { manifestLeaving(t, access) })
	t.Run("rights", func(t *testing.T) { manifestRights(t, access) })
	t.Run("forms", func(t *testing.T) { manifestForms(t, access) })
	t.Run("kubectl", func(t *testing.T) { manifestsOfKubectl(t, access) })
}

// TestManifestsOnSandbox checks that nothing seems to be applied where nothing would run.
func TestManifestsOnSandbox(t *testing.T) {
	v := vaultOn(t, sandboxCluster(t, nil))
	v.write("slipway.yaml", "images: {api: {files: [page.html]}}\nmanifests: [k8s.yaml]\n")
	v.write("page.html", "hello")
	v.write("k8s.yaml", strings.ReplaceAll(serverManifest, "${REPLICAS}", "1"))
	if _, err := Apply(t.Context(), v.env, ApplyOptions{}); ExitCode(err) != ExitUsage || !strings.Contains(err.Error(), "slipway.yaml:2:12: manifests need a cluster: the Kubernetes of the sandbox runs no workloads") {
		t.Errorf("apply: %v", err)
	}
	result, err := Plan(t.Context(), v.env, PlanOptions{Offline: true})
	if err != nil || len(result.Manifests) > 0 || !strings.Contains(v.events.String(), "the manifests are checked, but not applied") {
		t.Errorf("plan: %v, %v\n%s", result, err, v.events)
	}
	v.write("k8s.yaml", "kind: Service\n")
	if _, err := Plan(t.Context(), v.env, PlanOptions{Offline: true}); ExitCode(err) != ExitUsage || !strings.Contains(err.Error(), "k8s.yaml:1:1: a manifest needs apiVersion") || errors.Is(err, os.ErrNotExist) {
		t.Errorf("plan of a mistake: %v", err)
	}
}
