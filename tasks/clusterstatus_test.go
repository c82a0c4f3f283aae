package tasks

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/cluster/clustertest"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/printer"
	"github.com/slipway-ci/slipway/internal/sandbox/sandboxtest"
	"github.com/slipway-ci/slipway/internal/status"
	"github.com/slipway-ci/slipway/internal/testenv"
	"github.com/slipway-ci/slipway/tasks/report"
)

// TestClusterStatus looks at a real API server with a Polyaxon behind it, as users who may
// see all, some and nothing of it.
func TestClusterStatus(t *testing.T) {
	access, helm := testenv.Kubernetes(t), testenv.Helm(t)
	clients := clientsOf(t, access)
	job := buildJob(t)
	env, _, _ := serving(t, "secrets: {same: {data: {key: env:KEY}}, changed: {data: {key: env:KEY}}, foreign: {data: {key: env:KEY}}, absent: {data: {key: env:KEY}}, unread: {data: {key: env:UNSET}}}\n"+
		"mlflow: {tracking-uri: 'http://mlflow.polyaxon-v1.svc:5000'}\nprices: {per-hour: {nvidia.com/gpu: 2.5}}", writeKubeconfig(t, access))
	env.Lookup = func(name string) (string, bool) { return "canary-in-env", name == "KEY" }
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	install(t, clients, sandboxtest.Polyaxon(t, "2.18", job))
	furnish(t, helm, clients, access)
	text, err := os.ReadFile("slipway.yaml")
	if err != nil {
		t.Fatal(err)
	}
	before, rest, _ := strings.Cut(string(text), "secrets:")
	_, after, _ := strings.Cut(rest, "\n")
	if err := os.WriteFile("without-secrets.yaml", []byte(before+after), 0o600); err != nil {
		t.Fatal(err)
	}
	without := *env
	without.File = "without-secrets.yaml"
	if _, err := Up(ctx, &without, UpOptions{Service: "api"}); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if _, err := Down(ctx, &without, DownOptions{Service: "api"}); err != nil {
			t.Error(err)
		}
	}()
	t.Run("all", func(t *testing.T) { seesAll(ctx, t, env, access) })
	t.Run("some", func(t *testing.T) { seesSome(ctx, t, env, clients, access) })
	t.Run("named", func(t *testing.T) { seesNamed(ctx, t, env, clients, access) })
	t.Run("namespace", func(t *testing.T) { seesNamespace(ctx, t, env, clients, access) })
	t.Run("nothing", func(t *testing.T) { seesNothing(ctx, t, env, clients, access) })
	if err := os.WriteFile("kubeconfig", []byte(strings.Replace(writeKubeconfig(t, access), access.Host, "https://127.0.0.1:1", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := os.WriteFile("kubeconfig", []byte(writeKubeconfig(t, access)), 0o600); err != nil {
			t.Error(err)
		}
	}()
	result, err := ClusterStatus(ctx, env)
	if ExitCode(err) != ExitStep || result.Cluster != nil || !strings.HasPrefix(err.Error(), "cluster a at https://127.0.0.1:1 is not reachable: ") || !strings.Contains(err.Error(), "check that it runs") {
		t.Errorf("an API server that is not there: %+v, %v", result, err)
	}
}

// seesAll looks as an administrator.
func seesAll(ctx context.Context, t *testing.T, env *Env, access *rest.Config) {
	later := *env
	later.Now = func() time.Time { return time.Now().Add(time.Hour) } // so that what runs has cost something
	p, err := later.open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	to, err := platform.Look(ctx, p)
	if err != nil {
		t.Fatal(err)
	}
	var requests atomic.Int64
	counted := rest.CopyConfig(access)
	counted.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			requests.Add(1)
			return next.RoundTrip(r)
		})
	})
	if to.Cluster, err = cluster.Connect(counted, to.RunNamespace, "a"); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	c, runs, err := status.Look(ctx, to)
	if err != nil {
		t.Fatal(err)
	}
	if len(runs) != 1 || runs[0].RunName != "api" || runs[0].GPUs != 2 || runs[0].Cost == nil {
		t.Errorf("what runs is %+v", runs)
	}
	if took := time.Since(begun); took > 2*time.Second {
		t.Errorf("it took %s", took)
	}
	if n := requests.Load(); n > 45 {
		t.Errorf("it took %d requests to the API server", n)
	}
	text := shown(t, c)
	for _, want := range []string{
		"namespace polyaxon-v1\n", "a deploy may  do all that it must\n",
		"polyaxon      2.18.0 (ce), not ready: polyaxon-polyaxon-api (0 of 1 pods ready), http://polyaxon-polyaxon-gateway.polyaxon-v1\n",
		"release       polyaxon, polyaxon-2.1.0, app 2.1.0, deployed, revision 10, 2026-03-02 03:04\n",
		"release       mlflow, mlflow-0.7.19, app 0.7.19, deployed, revision 1, 2026-03-02 03:04\n",
		"volume        claim data of connection fstore-pvc, Bound, 10Gi, ReadWriteMany, filestore, 3.0 GB of 10.0 GB used\n",
		"mlflow        service mlflow, mlflow.polyaxon-v1:5000\n",
		"fstore-pvc", "/polyaxon-v1-data", "https://git.acme.dev/",
		"absent", "missing", "foreign", "other", "unread", "there", "gpu-pool", "nvidia-tesla-t4", "nvidia.com/gpu=present:NoSchedule",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	for _, never := range []string{"canary", "not visible"} {
		if strings.Contains(text, never) {
			t.Errorf("%q is in\n%s", never, text)
		}
	}
	states := map[string]string{}
	for _, s := range c.Secrets {
		states[s.Name] = s.State
	}
	if want := "map[absent:missing changed:other foreign:other same:same unread:there]"; fmt.Sprint(states) != want {
		t.Errorf("secrets %v, want %s", states, want)
	}
	if len(c.Pools) != 1 || c.Pools[0].Free == nil || *c.Pools[0].Free != 3 || c.Pools[0].GPUs != 4 {
		t.Errorf("GPUs %+v", c.Pools)
	}
}

// seesSome looks as a user who may reach Polyaxon and read the secrets, and no more.
func seesSome(ctx context.Context, t *testing.T, env *Env, clients kubernetes.Interface, access *rest.Config) {
	as(t, access, "some")
	allow(t, clients, "some", rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"services", "pods"}, Verbs: []string{"list"}},
		rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"pods/portforward"}, Verbs: []string{"create", "get"}},
		rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"get"}})
	result, err := ClusterStatus(ctx, env)
	if err != nil {
		t.Fatal(err)
	}
	c := result.Cluster
	if c.User != "some" || c.Polyaxon == nil || c.Polyaxon.Version != "2.18.0" || len(c.Secrets) != 5 || c.MLflow == nil {
		t.Errorf("it sees %s", shown(t, c))
	}
	if len(c.Releases) != 2 || c.Releases[1] != (report.Release{Name: "polyaxon", Chart: "polyaxon-2.1.0", AppVersion: "2.1.0"}) {
		t.Errorf("labels tell of %+v", c.Releases)
	}
	want := []string{"health of Polyaxon's deployments: list deployments.apps", "connections: list configmaps", "volume: list configmaps", "GPUs: list nodes"}
	if got := hidden(c); !slices.Equal(got, want) {
		t.Errorf("not visible are %q, want %q", got, want)
	}
	text := shown(t, c)
	if c.Polyaxon.Healthy != nil || strings.Contains(text, "healthy") {
		t.Errorf("the Deployments are not visible, and it says\n%s", text)
	}
	if !strings.Contains(text, "a deploy may  not: create secrets (to sync secrets), patch secrets (to sync secrets); not, but need not: ") {
		t.Errorf("its rights are\n%s", text)
	}
}

// seesNamed looks as a user who may read and write some secrets by their names, and no more.
// These rights are enough to sync them.
func seesNamed(ctx context.Context, t *testing.T, env *Env, clients kubernetes.Interface, access *rest.Config) {
	as(t, access, "named")
	allow(t, clients, "named", rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"secrets"}, ResourceNames: []string{"same", "unread", "absent"}, Verbs: []string{"get", "create", "patch"}})
	result, err := ClusterStatus(ctx, env)
	if err != nil {
		t.Fatal(err)
	}
	c := result.Cluster
	states := map[string]string{}
	for _, s := range c.Secrets {
		states[s.Name] = s.State
	}
	if want := "map[absent:missing same:same unread:there]"; fmt.Sprint(states) != want {
		t.Errorf("secrets %v, want %s", states, want)
	}
	if want := "secrets changed, foreign: get secrets"; !slices.Contains(hidden(c), want) {
		t.Errorf("not visible are %q, and not %q", hidden(c), want)
	}
	if text := shown(t, c); !strings.Contains(text, "a deploy may  not: get secrets changed, foreign (to sync secrets), create secrets changed, foreign (to sync secrets), patch secrets") {
		t.Errorf("its rights are\n%s", text)
	}
	one := *env
	one.File = "one.yaml"
	config := "project: story\nregistry: 127.0.0.1:1/none\ncluster: {kubeconfig: {path: kubeconfig}, namespace: polyaxon-v1}\nsecrets: {absent: {data: {key: env:KEY}}}\n"
	if err := os.WriteFile("one.yaml", []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	if result, err = ClusterStatus(ctx, &one); err != nil {
		t.Fatal(err)
	}
	for _, r := range result.Cluster.Rights {
		if r.For == "to sync secrets" && (r.Allowed == nil || !*r.Allowed || r.Names != nil) {
			t.Errorf("it may not %s %s %q", r.Verb, r.Resource, r.Names)
		}
	}
	if result, err := SecretsSync(ctx, &one, SecretsOptions{}); err != nil || result.Changes != 1 {
		t.Errorf("sync: %+v, %v", result, err)
	}
}

// seesNamespace looks as a user who may do everything in the namespace, and nothing outside
// of it.
func seesNamespace(ctx context.Context, t *testing.T, env *Env, clients kubernetes.Interface, access *rest.Config) {
	as(t, access, "inside")
	all := []string{"*"}
	allow(t, clients, "inside", rbacv1.PolicyRule{APIGroups: all, Resources: all, Verbs: all})
	inside := *env
	inside.File = "manifests.yaml"
	for name, text := range map[string]string{
		"manifests.yaml": "project: story\nregistry: 127.0.0.1:1/none\ncluster: {kubeconfig: {path: kubeconfig}, namespace: polyaxon-v1}\nmanifests: [objects.yml]\nmlflow: {tracking-uri: 'http://mlflaw:5000'}\n",
		"objects.yml":    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: a}\nrules: []\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	result, err := ClusterStatus(ctx, &inside)
	if err != nil {
		t.Fatal(err)
	}
	may := map[string]bool{}
	for _, r := range result.Cluster.Rights {
		may[r.Verb+" "+r.Resource] = r.Allowed != nil && *r.Allowed
	}
	for right, want := range map[string]bool{
		"patch configmaps": true, "get configmaps": true, "get clusterroles.rbac.authorization.k8s.io": false, "create clusterroles.rbac.authorization.k8s.io": false, "delete clusterroles.rbac.authorization.k8s.io": false,
	} {
		if got, asked := may[right]; got != want || !asked {
			t.Errorf("it may %s: %v, asked: %v", right, got, asked)
		}
	}
	at := slices.IndexFunc(result.Cluster.Hidden, func(h report.Hidden) bool { return h.What == "MLflow" })
	if at < 0 || result.Cluster.MLflow != nil || !strings.Contains(result.Cluster.Hidden[at].Reason, "has no service mlflaw: did you mean svc/mlflow?") {
		t.Errorf("of an MLflow that is not there, it says %+v, %+v", result.Cluster.MLflow, result.Cluster.Hidden)
	}
}

// seesNothing looks as a user without a right, who may not even ask for single rights.
func seesNothing(ctx context.Context, t *testing.T, env *Env, clients kubernetes.Interface, access *rest.Config) {
	as(t, access, "nobody")
	result, err := ClusterStatus(ctx, env)
	if err != nil || len(result.Cluster.Rights) == 0 {
		t.Fatal(result, err)
	}
	roles := clients.RbacV1().ClusterRoles()
	basic, err := roles.Get(ctx, "system:basic-user", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	basic.Rules = []rbacv1.PolicyRule{{APIGroups: []string{"authorization.k8s.io"}, Resources: []string{"selfsubjectrulesreviews"}, Verbs: []string{"create"}}}
	if _, err := roles.Update(ctx, basic, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	for limit := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) { // RBAC is cached
		if result, err = ClusterStatus(ctx, env); err != nil {
			t.Fatal(err)
		}
		if result.Cluster.User == "" || time.Now().After(limit) {
			break
		}
	}
	c := result.Cluster
	for _, r := range c.Rights {
		if r.Allowed != nil && *r.Allowed {
			t.Errorf("it may %s %s", r.Verb, r.Resource)
		}
	}
	want := []string{"identity: create selfsubjectreviews.authentication.k8s.io", "Polyaxon: list services", "release: list secrets",
		"health of Polyaxon's deployments: list secrets", "connections: list configmaps", "volume: list configmaps", "secrets: get secrets", "GPUs: list nodes", "MLflow: list services", "runs: list services"}
	if got := hidden(c); !slices.Equal(got, want) || len(c.Rights) == 0 {
		t.Errorf("not visible are %q, want %q; the rights are %+v", got, want, c.Rights)
	}
}

// hidden returns what is not visible, with the right that is needed.
func hidden(c *report.Cluster) []string {
	var all []string
	for _, h := range c.Hidden {
		all = append(all, h.What+": "+h.Needs)
	}
	return all
}

// shown returns what users see of a cluster.
func shown(t *testing.T, c *report.Cluster) string {
	t.Helper()
	var b bytes.Buffer
	if err := printer.Text(&b, &report.Result{Cluster: c}, printer.Page{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// furnish creates what the charts of Polyaxon and MLflow create, and what an administrator
// and slipway add: nodes with GPUs, a claim, secrets.
func furnish(t *testing.T, helm string, clients kubernetes.Interface, access *rest.Config) {
	t.Helper()
	ctx := t.Context()
	must := must(t)
	core, ns := clients.CoreV1(), sandboxtest.Namespace
	ofChart := func(name, chart, version string) map[string]string {
		return map[string]string{"app.kubernetes.io/instance": name, "app.kubernetes.io/version": version, "helm.sh/chart": chart + "-" + version, "app.kubernetes.io/managed-by": "Helm"}
	}
	record := testenv.HelmRelease{Name: "polyaxon", Namespace: ns, Revision: 9, At: time.Date(2026, 2, 2, 3, 4, 5, 0, time.UTC), Chart: "polyaxon", Version: "2.1.0", Password: "canary-in-values"}
	testenv.HelmRecord(t, helm, access, 3, record)
	record.Revision, record.At = 10, time.Date(2026, 3, 2, 3, 4, 5, 0, time.UTC)
	testenv.HelmRecord(t, helm, access, 4, record)
	testenv.HelmRecord(t, helm, access, 3, testenv.HelmRelease{Name: "mlflow", Namespace: ns, Revision: 1, At: record.At, Chart: "mlflow", Version: "0.7.19"})
	gateway, err := core.Services(ns).Get(ctx, "polyaxon-polyaxon-gateway", metav1.GetOptions{})
	must(gateway, err)
	gateway.Labels = ofChart("polyaxon", "polyaxon", "2.1.0")
	must(core.Services(ns).Update(ctx, gateway, metav1.UpdateOptions{}))
	must(core.Services(ns).Create(ctx, &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "mlflow", Labels: ofChart("mlflow", "mlflow", "0.7.19")},
		Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 5000}}}}, metav1.CreateOptions{}))
	labels := map[string]string{"app": "api"}
	api := pod("api", labels)
	must(clients.AppsV1().Deployments(ns).Create(ctx, &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "polyaxon-polyaxon-api", Labels: ofChart("polyaxon", "polyaxon", "2.1.0")},
		Spec: appsv1.DeploymentSpec{Selector: &metav1.LabelSelector{MatchLabels: labels}, Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: api.Spec}}}, metav1.CreateOptions{}))
	must(core.ConfigMaps(ns).Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "agent"}, Data: map[string]string{
		"POLYAXON_AGENT_CONNECTIONS": `[{"name": "fstore-pvc", "kind": "volume_claim", "schema": {"volumeClaim": "data", "mountPath": "/polyaxon-v1-data"}},
			{"name": "repo", "kind": "git", "schema": {"url": "https://canary-in-url@git.acme.dev/repo"}, "secret": {"name": "git-key"}}]`,
		"POLYAXON_AGENT_ARTIFACTS_STORE": `{"name": "store", "kind": "gcs", "schema": {"bucket": "gs://acme"}, "secret": null}`,
	}}, metav1.CreateOptions{}))

	class := "filestore"
	size := corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("10Gi")}
	claim, err := core.PersistentVolumeClaims(ns).Create(ctx, &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: "data"}, Spec: corev1.PersistentVolumeClaimSpec{
		AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteMany}, StorageClassName: &class, Resources: corev1.VolumeResourceRequirements{Requests: size}}}, metav1.CreateOptions{})
	must(claim, err)
	claim.Status = corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimBound, AccessModes: claim.Spec.AccessModes, Capacity: size}
	must(core.PersistentVolumeClaims(ns).UpdateStatus(ctx, claim, metav1.UpdateOptions{}))
	worker := pod("worker", nil)
	worker.Spec.Volumes = []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data"}}}}
	worker.Spec.Containers[0].Resources.Limits = corev1.ResourceList{"nvidia.com/gpu": resource.MustParse("1")}
	clustertest.RunPod(t, core.Pods(ns), worker)
	node, err := core.Nodes().Get(ctx, "node", metav1.GetOptions{})
	must(node, err)
	node.Labels = map[string]string{"cloud.google.com/gke-nodepool": "gpu-pool", "cloud.google.com/gke-accelerator": "nvidia-tesla-t4"}
	node.Spec.Taints = append(node.Spec.Taints, corev1.Taint{Key: "nvidia.com/gpu", Value: "present", Effect: corev1.TaintEffectNoSchedule})
	node, err = core.Nodes().Update(ctx, node, metav1.UpdateOptions{})
	must(node, err)
	node.Status.Allocatable = corev1.ResourceList{"nvidia.com/gpu": resource.MustParse("4")}
	node.Status.Capacity = node.Status.Allocatable
	node.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
	must(core.Nodes().UpdateStatus(ctx, node, metav1.UpdateOptions{}))

	own := map[string]string{"app.kubernetes.io/managed-by": "slipway", "slipway.dev/project": "story"}
	for name, s := range map[string]struct {
		labels map[string]string
		value  string
	}{"same": {own, "canary-in-env"}, "changed": {own, "canary-in-cluster"}, "foreign": {nil, "canary-in-env"}, "unread": {own, "canary-in-cluster"}} {
		must(core.Secrets(ns).Create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: s.labels}, StringData: map[string]string{"key": s.value}}, metav1.CreateOptions{}))
	}
}
