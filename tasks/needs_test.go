package tasks

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	sandboxkubernetes "github.com/slipway-ci/slipway/internal/sandbox/kubernetes"
	"github.com/slipway-ci/slipway/internal/sandbox/sandboxtest"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/internal/testenv"
)

// watched is a proxy to an API server that keeps the requests.
type watched struct {
	mu       sync.Mutex
	requests []string
	// user is impersonated if it is not empty. slow is a part of the paths that are answered
	// after 10 s.
	user, slow string
}

// watch starts a proxy to the API server of access, and returns it and a kubeconfig.
func watch(t *testing.T, access *rest.Config) (w *watched, kubeconfig string) {
	t.Helper()
	transport, err := rest.TransportFor(access)
	if err != nil {
		t.Fatal(err)
	}
	to, err := url.Parse(access.Host)
	if err != nil {
		t.Fatal(err)
	}
	w = &watched{}
	proxy := &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.user != "" {
			r.Out.Header.Set("Impersonate-User", w.user)
		}
	}}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		request := r.Method + " " + strings.TrimPrefix(r.URL.Path, "/api/v1/namespaces/polyaxon-v1/")
		if r.URL.Query().Has("dryRun") {
			request += " as a dry run"
		}
		w.requests = append(w.requests, request)
		wait := w.slow != "" && strings.Contains(r.URL.Path, w.slow)
		w.mu.Unlock()
		if wait {
			select {
			case <-r.Context().Done():
			case <-time.After(10 * time.Second):
			}
		}
		proxy.ServeHTTP(rw, r)
	}))
	t.Cleanup(server.Close)
	return w, writeKubeconfig(t, &rest.Config{Host: server.URL})
}

// set changes the user and what is slow.
func (w *watched) set(user, slow string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.user, w.slow = user, slow
}

// taken returns how often each request was sent, and forgets them.
func (w *watched) taken() map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	count := map[string]int{}
	for _, request := range w.requests {
		count[request]++
	}
	w.requests = nil
	return count
}

const needyJob = `version: 1.1
kind: component
run:
  kind: job
  connections: [data, datta]
  environment: {serviceAccountName: trainer, priorityClassName: batch, nodeSelector: {pool: gpu}}
  volumes:
  - {name: v, persistentVolumeClaim: {claimName: models}}
  - {name: c, configMap: {name: settings, items: [{key: colour, path: c}]}}
  container:
    image: a:1
    env:
    - {name: A, valueFrom: {secretKeyRef: {name: there, key: tokn}}}
    - {name: B, valueFrom: {secretKeyRef: {name: own, key: token}}}
    - {name: C, valueFrom: {secretKeyRef: {name: gone, key: token}}}
    envFrom: [{secretRef: {name: maybe, optional: true}}]
    resources: {limits: {nvidia.com/gpu: 8, cpu: 4}}
    volumeMounts: [{name: v, mountPath: /v}, {name: c, mountPath: /c}]
`

// TestReplacedConnectionIsNotLookedUp names the guide's connection, which a cluster does not
// have and which volume.claim of slipway.yaml replaces.
func TestReplacedConnectionIsNotLookedUp(t *testing.T) {
	api, err := sandboxkubernetes.New(t.TempDir(), "polyaxon-v1")
	if err != nil {
		t.Fatal(err)
	}
	agent := `{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "agent"}, "data": {"POLYAXON_AGENT_CONNECTIONS": "[]"}}`
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	made, err := http.Post(server.URL+"/api/v1/namespaces/polyaxon-v1/configmaps", "application/json", strings.NewReader(agent))
	if err != nil || made.StatusCode != http.StatusCreated {
		t.Fatalf("%v, %v", made, err)
	}
	_ = made.Body.Close()
	config := "project: story\nregistry: REGISTRY\ncluster: {kubeconfig: {path: kubeconfig}}\npolyaxon: {host: '" + sandboxtest.Polyaxon(t, "1.11.3", "") + "'}\n" +
		"jobs: {train: {polyaxonfile: job.yml, credentials: false}}\n"
	for volume, want := range map[string]string{
		"": "job.yml:3:32: connection fstore-pvc not found in the cluster of the run (connections are set up with Polyaxon's Helm chart)",
		"volume: {claim: data, create: {size: 1Gi, access: ReadWriteMany}}\n": "slipway.yaml:6:31: create volume claim data", // nobody may, in the sandbox's cluster
		"volume: {connection: datasets}\n":                                    "slipway.yaml:6:22: connection datasets not found in the cluster of the run",
	} {
		env, _, _ := laptopWith(t, map[string]string{
			"slipway.yaml": config + volume, "kubeconfig": writeKubeconfig(t, &rest.Config{Host: server.URL}),
			"job.yml": "version: 1.1\nkind: component\nrun: {kind: job, connections: [fstore-pvc], container: {image: a:1}}\n",
		})
		_, err := Plan(t.Context(), env, PlanOptions{})
		if err == nil || !strings.HasPrefix(err.Error(), want) || len(source.Flatten(err)) != 1 {
			t.Errorf("%s: %v, want %q", volume, err, want)
		}
	}
}

// TestSucceededJobsNeedNothing deploys a job again that has succeeded, after the Secret that
// it had needed is gone.
func TestSucceededJobsNeedNothing(t *testing.T) {
	api, err := sandboxkubernetes.New(t.TempDir(), "polyaxon-v1")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	clients := clientsOf(t, &rest.Config{Host: server.URL})
	secrets := clients.CoreV1().Secrets("polyaxon-v1")
	if _, err := secrets.Create(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "key"}, Data: map[string][]byte{"token": []byte("x")}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	job := func(text string) string {
		return "version: 1.1\nkind: component\nrun: {kind: job, container: {image: a:1, command: [" + sandboxtest.Program + ", 'print=" + text + "'], envFrom: [{secretRef: {name: key}}]}}\n"
	}
	env, _, _ := laptopWith(t, map[string]string{
		"slipway.yaml": "project: story\nregistry: REGISTRY\ncluster: {kubeconfig: {path: kubeconfig}}\npolyaxon: {host: '" + sandboxtest.Polyaxon(t, "2.18", buildJob(t)) + "'}\n" +
			"jobs:\n  first: {polyaxonfile: job.yml, credentials: false}\n  second: {polyaxonfile: job.yml, credentials: false, after: [first]}\n",
		"kubeconfig": writeKubeconfig(t, &rest.Config{Host: server.URL}), "job.yml": job("a"),
	})
	if _, err := Deploy(t.Context(), env, DeployOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := secrets.Delete(t.Context(), "key", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if result, err := Deploy(t.Context(), env, DeployOptions{}); err != nil || len(result.Jobs) != 2 || result.Jobs[0].Action != "up-to-date" || result.Jobs[1].Action != "up-to-date" {
		t.Errorf("with nothing to do: %+v, %v", result, err)
	}
	if result, err := Plan(t.Context(), env, PlanOptions{}); err != nil || result.Changes != 0 {
		t.Errorf("a plan with nothing to do: %+v, %v", result, err)
	}
	refused := func(what string, o DeployOptions) {
		t.Helper()
		if _, err := Deploy(t.Context(), env, o); ExitCode(err) != ExitUsage || !strings.Contains(err.Error(), "secret key not found in the cluster of the run") {
			t.Errorf("%s: %v", what, err)
		}
	}
	refused("a rerun", DeployOptions{Rerun: true})
	if err := os.WriteFile(filepath.Join(env.Dir, "job.yml"), []byte(job("b")), 0o600); err != nil {
		t.Fatal(err)
	}
	refused("another job", DeployOptions{})
}

// TestNeedsOnCluster looks up everything that a job names in a real API server: what is not
// there, what is too little, and what the user may not see.
func TestNeedsOnCluster(t *testing.T) {
	access := testenv.Kubernetes(t)
	clients := clientsOf(t, access)
	ctx := t.Context()
	must := must(t)
	const namespace = "polyaxon-v1"
	named := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Name: name} }
	amounts := func(words ...string) corev1.ResourceList {
		list := corev1.ResourceList{}
		for i := 0; i < len(words); i += 2 {
			list[corev1.ResourceName(words[i])] = resource.MustParse(words[i+1])
		}
		return list
	}
	core := clients.CoreV1()
	must(core.Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: named(namespace)}, metav1.CreateOptions{}))
	must(core.Secrets(namespace).Create(ctx, &corev1.Secret{ObjectMeta: named("there"), StringData: map[string]string{"token": "x"}}, metav1.CreateOptions{}))
	must(core.ConfigMaps(namespace).Create(ctx, &corev1.ConfigMap{ObjectMeta: named("settings"), Data: map[string]string{"color": "red"}}, metav1.CreateOptions{}))
	must(core.ConfigMaps(namespace).Create(ctx, &corev1.ConfigMap{ObjectMeta: named("agent"), Data: map[string]string{"POLYAXON_AGENT_CONNECTIONS": `[{"name": "data"}]`}}, metav1.CreateOptions{}))
	node, err := core.Nodes().Create(ctx, &corev1.Node{ObjectMeta: named("node")}, metav1.CreateOptions{})
	must(nil, err)
	node.Status.Allocatable = amounts("nvidia.com/gpu", "4", "cpu", "8")
	must(core.Nodes().UpdateStatus(ctx, node, metav1.UpdateOptions{}))
	quota, err := core.ResourceQuotas(namespace).Create(ctx, &corev1.ResourceQuota{ObjectMeta: named("team"), Spec: corev1.ResourceQuotaSpec{Hard: amounts("requests.nvidia.com/gpu", "2", "limits.cpu", "6")}}, metav1.CreateOptions{})
	must(nil, err)
	quota.Status = corev1.ResourceQuotaStatus{Hard: quota.Spec.Hard, Used: amounts("limits.cpu", "5")}
	must(core.ResourceQuotas(namespace).UpdateStatus(ctx, quota, metav1.UpdateOptions{}))
	must(core.LimitRanges(namespace).Create(ctx, &corev1.LimitRange{ObjectMeta: named("sizes"), Spec: corev1.LimitRangeSpec{
		Limits: []corev1.LimitRangeItem{{Type: corev1.LimitTypeContainer, Max: amounts("cpu", "3")}}}}, metav1.CreateOptions{}))

	t.Chdir(t.TempDir())
	w, kubeconfig := watch(t, access)
	events := &eventLog{}
	env := &Env{Dir: ".", Events: events, Transport: http.DefaultTransport, Now: time.Now,
		Lookup: func(name string) (string, bool) { return "a-secret-value", name == "TOKEN" }}
	for name, text := range map[string]string{
		"kubeconfig": kubeconfig, "job.yml": needyJob,
		"plain.yml": "version: 1.1\nkind: component\nrun: {kind: job, container: {image: a:1}}\n",
		"slipway.yaml": "project: story\nregistry: 127.0.0.1:1/none\ncluster: {kubeconfig: {path: kubeconfig}, namespace: polyaxon-v1}\n" +
			"polyaxon: {host: '" + sandboxtest.Polyaxon(t, "1.11.3", "") + "'}\nsecrets: {own: {data: {token: env:TOKEN}}}\n" +
			"jobs:\n  train: {polyaxonfile: job.yml, credentials: false}\n  guide: {polyaxonfile: plain.yml}\n" +
			"environments: {pool: {jobs: {train: {gpu: 2}}}}\n",
	} {
		must(nil, os.WriteFile(name, []byte(text), 0o600))
	}

	// Everything that is missing or too little is reported at once, at its line, before
	// anything is built.
	want := []string{
		"job.yml:5:23: connection datta not found in the cluster of the run (did you mean data?)",
		"job.yml:6:37: service account trainer not found in the cluster of the run",
		"job.yml:6:65: priority class batch not found in the cluster of the run (there are system-cluster-critical, system-node-critical)",
		"job.yml:6:87: job train can never start: no node of the cluster has the label pool: gpu",
		"job.yml:8:50: volume claim models not found in the cluster of the run",
		"job.yml:9:57: config map settings has no key colour (did you mean color?)",
		"job.yml:13:62: secret there has no key tokn (did you mean token?)",
		"job.yml:15:50: secret gone not found in the cluster of the run (declare it in secrets of slipway.yaml, or correct the name)",
		"job.yml:17:26: job train can never start: it asks for 8 requests.nvidia.com/gpu, and resource quota team of the namespace allows 2",
		"job.yml:17:26: job train can never start: no node of the cluster has 8 nvidia.com/gpu: the largest has 4",
		"job.yml:17:45: job train can never start: container polyaxon-main asks for 4 cpu, and limit range sizes of the namespace allows at most 3",
		"slipway.yaml:8:10: secret gcp-sa-credentials not found in the cluster of the run (slipway.yaml or a preset adds it to the job: declare it in secrets of slipway.yaml, or set credentials: false for the job if it has no use for Google Cloud's credentials)",
	}
	lines := func(err error) []string {
		var all []string
		for _, leaf := range source.Flatten(err) {
			all = append(all, leaf.Error())
		}
		return slices.Sorted(slices.Values(all))
	}
	for what, do := range map[string]func() error{
		"plan":   func() error { _, err := Plan(ctx, env, PlanOptions{}); return err },
		"deploy": func() error { _, err := Deploy(ctx, env, DeployOptions{}); return err },
	} {
		events.text.Reset()
		w.taken()
		err := do()
		if diff := cmp.Diff(slices.Sorted(slices.Values(want)), lines(err)); diff != "" || ExitCode(err) != ExitUsage {
			t.Errorf("%s exits with %d: %s", what, ExitCode(err), diff)
		}
		if told := "it asks for 4 limits.cpu, and 1 of the 6 that resource quota team allows are free now"; strings.Count(events.String(), told) != 1 {
			t.Errorf("%s says\n%s", what, events)
		}
		sent := w.taken()
		for _, request := range []string{"GET secrets/gone", "GET secrets/there", "GET secrets/gcp-sa-credentials", "GET configmaps", "GET persistentvolumeclaims", "GET serviceaccounts",
			"GET /apis/scheduling.k8s.io/v1/priorityclasses", "GET /api/v1/nodes", "GET resourcequotas", "GET limitranges"} {
			if sent[request] != 1 {
				t.Errorf("%s sends %s %d times", what, request, sent[request])
			}
			delete(sent, request)
		}
		for request := range sent {
			if strings.Contains(request, "maybe") || !strings.HasPrefix(request, "GET ") && !strings.HasSuffix(request, " as a dry run") {
				t.Errorf("%s sends %s", what, request)
			}
		}
	}

	// A user who may read nothing is refused nothing, and is told once what was not seen.
	must(clients.RbacV1().Roles(namespace).Create(ctx, &rbacv1.Role{ObjectMeta: named("deploys"),
		Rules: []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"secrets"}, ResourceNames: []string{"own"}, Verbs: []string{"get", "patch"}}}}, metav1.CreateOptions{}))
	must(clients.RbacV1().RoleBindings(namespace).Create(ctx, &rbacv1.RoleBinding{ObjectMeta: named("deploys"),
		RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "deploys"},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: "ci"}}}, metav1.CreateOptions{}))
	w.set("ci", "")
	events.text.Reset()
	if _, err := Plan(ctx, env, PlanOptions{}); err != nil {
		t.Errorf("a user who may not look: %v", err)
	}
	const note = "these credentials may not read config maps, priority classes, secrets, service accounts, volume claims, nodes, resource quotas, limit ranges"
	if told := events.String(); !strings.Contains(told, note) || strings.Count(told, "may not read") != 1 {
		t.Errorf("it says\n%s", told)
	}

	// One Secret that may be read is looked up, although others may not be.
	must(clients.RbacV1().Roles(namespace).Update(ctx, &rbacv1.Role{ObjectMeta: named("deploys"),
		Rules: []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"secrets"}, ResourceNames: []string{"own", "there"}, Verbs: []string{"get", "patch"}}}}, metav1.UpdateOptions{}))
	var seen []string
	for range 50 { // the authorizer learns of the change a moment later
		_, err := Plan(ctx, env, PlanOptions{})
		if seen = lines(err); len(seen) > 0 {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if diff := cmp.Diff([]string{"job.yml:13:62: secret there has no key tokn (did you mean token?)"}, seen); diff != "" {
		t.Error(diff)
	}
	w.set("", "")

	// Once all is there, nothing is refused.
	for _, name := range []string{"gone", "gcp-sa-credentials"} {
		must(core.Secrets(namespace).Create(ctx, &corev1.Secret{ObjectMeta: named(name), StringData: map[string]string{"token": "x"}}, metav1.CreateOptions{}))
	}
	must(core.ServiceAccounts(namespace).Create(ctx, &corev1.ServiceAccount{ObjectMeta: named("trainer")}, metav1.CreateOptions{}))
	must(clients.SchedulingV1().PriorityClasses().Create(ctx, &schedulingv1.PriorityClass{ObjectMeta: named("batch"), Value: 1}, metav1.CreateOptions{}))
	claim, err := core.PersistentVolumeClaims(namespace).Create(ctx, &corev1.PersistentVolumeClaim{ObjectMeta: named("models"), Spec: corev1.PersistentVolumeClaimSpec{
		AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}, Resources: corev1.VolumeResourceRequirements{Requests: amounts("storage", "1Gi")}}}, metav1.CreateOptions{})
	must(nil, err)
	claim.Status.Phase = corev1.ClaimLost
	claim, err = core.PersistentVolumeClaims(namespace).UpdateStatus(ctx, claim, metav1.UpdateOptions{})
	must(nil, err)
	must(nil, core.LimitRanges(namespace).Delete(ctx, "sizes", metav1.DeleteOptions{}))
	repaired := strings.NewReplacer(", datta", "", "colour", "color", "tokn", "token").Replace(needyJob)
	must(nil, os.WriteFile("job.yml", []byte(repaired), 0o600))
	node, err = core.Nodes().Get(ctx, "node", metav1.GetOptions{})
	must(nil, err)
	node.Spec.ProviderID = "gce://project/zone/node" // it belongs to a pool, and another pool may be empty
	must(core.Nodes().Update(ctx, node, metav1.UpdateOptions{}))
	events.text.Reset()
	env.Environment = "pool"
	if _, err := Plan(ctx, env, PlanOptions{}); err == nil || !strings.HasPrefix(err.Error(), "job.yml:8:50: volume claim models has lost its volume") {
		t.Errorf("with a claim that is lost: %v", err)
	}
	claim.Status.Phase = corev1.ClaimBound
	must(core.PersistentVolumeClaims(namespace).UpdateStatus(ctx, claim, metav1.UpdateOptions{}))
	events.text.Reset()
	if _, err := Plan(ctx, env, PlanOptions{}); err != nil {
		t.Errorf("with everything there: %v", err)
	}
	if told := events.String(); !strings.Contains(told, "job train cannot start now: no node of the cluster has the label pool: gpu (a node pool that starts at zero may have it") {
		t.Errorf("it says\n%s", told)
	}

	// What is missing is ignored by a comment, and a pull secret that is missing is only noted.
	must(nil, core.Secrets(namespace).Delete(ctx, "gone", metav1.DeleteOptions{}))
	node.Spec.ProviderID = ""
	events.text.Reset()
	must(nil, os.WriteFile("job.yml", []byte(strings.Replace(repaired, "environment: {", "environment: {imagePullSecrets: [pull], ", 1)), 0o600))
	_, err = Plan(ctx, env, PlanOptions{})
	if diff := cmp.Diff([]string{"job.yml:15:50: secret gone not found in the cluster of the run (declare it in secrets of slipway.yaml, or correct the name)"}, lines(err)); diff != "" {
		t.Error(diff)
	}
	if told := events.String(); !strings.Contains(told, "job.yml:6:36: secret pull not found in the cluster of the run (the run starts only if its image can be pulled without it)") {
		t.Errorf("of a pull secret, it says\n%s", told)
	}
	must(core.LimitRanges(namespace).Create(ctx, &corev1.LimitRange{ObjectMeta: named("sizes"), Spec: corev1.LimitRangeSpec{
		Limits: []corev1.LimitRangeItem{{Type: corev1.LimitTypeContainer, Max: amounts("cpu", "3")}}}}, metav1.CreateOptions{}))
	ignoring := strings.Replace(strings.Replace(repaired, "name: gone, key: token}}}", "name: gone, key: token}}}  # slipway:ignore missing-secret", 1),
		"    resources:", "    # slipway:ignore exceeds-cluster\n    resources:", 1)
	must(nil, os.WriteFile("job.yml", []byte(ignoring), 0o600))
	if _, err := Plan(ctx, env, PlanOptions{}); err != nil {
		t.Errorf("with comments: %v", err)
	}
	must(nil, os.WriteFile("job.yml", []byte("# slipway:ignore missing-secret exceeds-cluster\n"+strings.Replace(repaired, "name: gone", "name: '{{ globals.project_name }}'", 1)), 0o600))
	if _, err := Plan(ctx, env, PlanOptions{}); err != nil {
		t.Errorf("with a comment at the top: %v", err)
	}
	must(nil, os.WriteFile("job.yml", []byte(repaired), 0o600))
	must(nil, core.LimitRanges(namespace).Delete(ctx, "sizes", metav1.DeleteOptions{}))
	must(core.Secrets(namespace).Create(ctx, &corev1.Secret{ObjectMeta: named("gone"), StringData: map[string]string{"token": "x"}}, metav1.CreateOptions{}))

	// Of a quota, the least of an elastic run counts, and jobs that run side by side add up.
	for name, text := range map[string]string{
		"elastic.yml": "version: 1.1\nkind: component\nrun:\n  kind: pytorchjob\n  elasticPolicy: {minReplicas: 1}\n" +
			"  worker: {replicas: 10, container: {image: a:1, resources: {limits: {cpu: 750m}}}}\n",
		"small.yml": "version: 1.1\nkind: component\nrun: {kind: job, container: {image: a:1, resources: {limits: {cpu: 600m}}}}\n",
		"beside.yaml": "project: story\nregistry: 127.0.0.1:1/none\ncluster: {kubeconfig: {path: kubeconfig}, namespace: polyaxon-v1}\n" +
			"polyaxon: {host: '" + sandboxtest.Polyaxon(t, "2.18", "") + "'}\njobs:\n  a: {polyaxonfile: small.yml, credentials: false}\n  b: {polyaxonfile: small.yml, credentials: false}\n" +
			"  c: {polyaxonfile: elastic.yml, credentials: false, after: [a]}\n",
	} {
		must(nil, os.WriteFile(name, []byte(text), 0o600))
	}
	beside := *env
	beside.File, beside.Environment = "beside.yaml", ""
	events.text.Reset()
	if _, err := Plan(ctx, &beside, PlanOptions{}); err != nil {
		t.Errorf("jobs side by side: %v", err)
	}
	for _, told := range []string{
		"jobs a, b run side by side: together they ask for 1200m limits.cpu, and 1 of the 6 that resource quota team allows are free now: some wait until others end",
		"job c cannot start now: all of its replicas ask for 7500m limits.cpu, and resource quota team of the namespace allows 6: it runs with fewer",
	} {
		if strings.Count(events.String(), told) != 1 {
			t.Errorf("%q is not told once:\n%s", told, events)
		}
	}

	// A request that is not answered is given up.
	w.set("", "/nodes")
	events.text.Reset()
	if _, err := Plan(ctx, env, PlanOptions{}); err != nil || !strings.Contains(events.String(), "the cluster did not answer within 3s when asked for nodes") {
		t.Errorf("a slow answer: %v\n%s", err, events)
	}
}
