package tasks

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/slipway-ci/slipway/internal/sandbox/sandboxtest"
	"github.com/slipway-ci/slipway/internal/testenv"
	"github.com/slipway-ci/slipway/tasks/report"
)

// cut passes requests to a cluster until one of them ends the command, as an interrupt does. From
// then on it passes none.
type cut struct {
	next  http.Handler
	count atomic.Int64
	// place is nil as long as all requests pass. Requests of an ended command may still come.
	place atomic.Pointer[place]
}

// place is the request at which end is called. done says whether the cluster gets it.
type place struct {
	at   int64
	done bool
	end  context.CancelFunc
}

func (c *cut) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n, place := c.count.Add(1), c.place.Load()
	switch {
	case place == nil || n < place.at:
		c.next.ServeHTTP(w, r)
		return
	case n == place.at && place.done:
		c.next.ServeHTTP(httptest.NewRecorder(), r)
	}
	place.end()
	panic(http.ErrAbortHandler)
}

// cutting returns access to a cluster through c.
func (c *cut) cutting(t *testing.T, access *rest.Config) *rest.Config {
	t.Helper()
	target, err := url.Parse(access.Host)
	if err != nil {
		t.Fatal(err)
	}
	carrier, err := rest.TransportFor(access)
	if err != nil {
		t.Fatal(err)
	}
	c.next = &httputil.ReverseProxy{Transport: carrier, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	return &rest.Config{Host: server.URL}
}

func configManifest(name, value string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\ndata: {value: '%s'}\n---\n", name, value)
}

// manifestsOn returns a repository with manifests for a namespace of a cluster.
func manifestsOn(t *testing.T, access *rest.Config, namespace string) *vault {
	t.Helper()
	v := vaultOn(t, access)
	v.write("slipway.yaml", "project: story\ncluster: {kubeconfig: {path: kubeconfig}, namespace: "+namespace+"}\nmanifests: [k8s.yaml]\n")
	return v
}

// configMaps returns the config maps of the project in a namespace, apart from the inventory, and
// the objects of the inventory.
func configMaps(t *testing.T, clients kubernetes.Interface, namespace string) (values []string, inventory string) {
	t.Helper()
	return configMapsOf(t, clients, "story", namespace)
}

// configMapsOf is like configMaps, for another project.
func configMapsOf(t *testing.T, clients kubernetes.Interface, project, namespace string) (values []string, inventory string) {
	t.Helper()
	list, err := clients.CoreV1().ConfigMaps(namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "slipway.dev/project=" + project})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range list.Items {
		if text, is := m.Data["objects"]; is {
			inventory = text
			continue
		}
		values = append(values, m.Name+"="+m.Data["value"])
	}
	return values, inventory
}

// manifestFaults ends an apply at each of its requests, before and after the cluster has handled
// it. Another apply then comes to the same end as one that was not disturbed.
func manifestFaults(t *testing.T, access *rest.Config) {
	clients := namespaced(t, access, "faults")
	proxy := &cut{}
	v := manifestsOn(t, proxy.cutting(t, access), "faults")
	step := int64(7) // a sample
	if testenv.Thorough() {
		step = 1
	}
	for _, done := range []bool{false, true} {
		at := int64(1)
		for interrupted := true; interrupted; at += step {
			proxy.place.Store(nil)
			v.write("k8s.yaml", configManifest("a", "1")+configManifest("b", "1"))
			if _, err := Apply(t.Context(), v.env, ApplyOptions{Prune: true}); err != nil {
				t.Fatal(err)
			}
			v.write("k8s.yaml", configManifest("b", "2")+configManifest("c", "1"))
			ctx, end := context.WithCancel(t.Context())
			proxy.count.Store(0)
			proxy.place.Store(&place{at, done, end})
			_, err := Apply(ctx, v.env, ApplyOptions{Prune: true})
			end()
			if interrupted = ExitCode(err) == ExitInterrupted; !interrupted && err != nil {
				t.Fatalf("request %d: exit code %d, %v", at, ExitCode(err), err)
			}
			proxy.place.Store(nil)
			if _, err := Apply(t.Context(), v.env, ApplyOptions{Prune: true}); err != nil {
				t.Fatalf("after request %d: %v", at, err)
			}
			values, inventory := configMaps(t, clients, "faults")
			if diff := cmp.Diff([]string{"b=2", "c=1"}, values); diff != "" || inventory != "v1 ConfigMap b\nv1 ConfigMap c\n" {
				t.Fatalf("request %d: the inventory is\n%s(-want +got)\n%s", at, inventory, diff)
			}
		}
		if at < 15 {
			t.Errorf("an apply has only %d requests", at)
		}
	}
}

// manifestInterrupt interrupts an apply that waits for a Deployment. What was is put back.
func manifestInterrupt(t *testing.T, access *rest.Config) {
	clients := namespaced(t, access, "interrupt")
	v := manifestsOn(t, access, "interrupt")
	v.write("k8s.yaml", configManifest("a", "1"))
	if _, err := Apply(t.Context(), v.env, ApplyOptions{}); err != nil {
		t.Fatal(err)
	}
	v.write("k8s.yaml", configManifest("a", "2")+strings.NewReplacer("slipway://api", "api:1", "${REPLICAS}", "1").Replace(serverManifest))
	ctx, end := context.WithCancel(t.Context())
	defer end()
	v.env.Events = sinkFunc(func(e report.Event) {
		if strings.HasPrefix(e.Message, "Deployment api: ") {
			end()
		}
	})
	result, err := Apply(ctx, v.env, ApplyOptions{RolloutTimeout: time.Minute, Rollback: true})
	if ExitCode(err) != ExitInterrupted || !strings.Contains(err.Error(), "the manifests are rolled back") || len(result.Manifests) != 2 {
		t.Errorf("exit code %d: %v, %+v", ExitCode(err), err, result.Manifests)
	}
	values, _ := configMaps(t, clients, "interrupt")
	if diff := cmp.Diff([]string{"a=1"}, values); diff != "" {
		t.Errorf("the config map is not put back (-want +got)\n%s", diff)
	}
	if _, err := clients.AppsV1().Deployments("interrupt").Get(t.Context(), "api", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("the Deployment is left: %v", err)
	}
}

// manifestsAfterJobs deploys a job and manifests. They are applied once the job has succeeded.
func manifestsAfterJobs(t *testing.T, access *rest.Config) {
	clients := namespaced(t, access, "after")
	v := manifestsOn(t, access, "after")
	v.write("slipway.yaml", "project: story\npolyaxon: {host: '"+sandboxtest.Polyaxon(t, "1.11.3", buildJob(t))+"'}\n"+
		"cluster: {kubeconfig: {path: kubeconfig}, namespace: after}\njobs: {train: {polyaxonfile: job.yml, credentials: false}}\nmanifests: [k8s.yaml]\n")
	v.write("k8s.yaml", configManifest("a", "1"))
	deploy := func(argument string, jobs ...string) error {
		v.write("job.yml", "version: 1.1\nkind: component\nrun: {kind: job, container: {image: 'job:1', command: ["+sandboxtest.Program+", "+argument+"]}}\n")
		_, err := Deploy(t.Context(), v.env, DeployOptions{Jobs: jobs})
		return err
	}
	for _, c := range []struct {
		argument string
		jobs     []string
		code     int
		values   []string
	}{
		{"exit=3", nil, ExitFailed, nil},
		{"print=named", []string{"train"}, ExitOK, nil},
		{"print=all", nil, ExitOK, []string{"a=1"}},
	} {
		if err := deploy(c.argument, c.jobs...); ExitCode(err) != c.code {
			t.Errorf("%s: exit code %d: %v", c.argument, ExitCode(err), err)
		}
		values, _ := configMaps(t, clients, "after")
		if diff := cmp.Diff(c.values, values); diff != "" {
			t.Errorf("%s (-want +got)\n%s", c.argument, diff)
		}
	}
}

// manifestClaim applies claims. One that is bound when a pod uses it is not waited for.
func manifestClaim(t *testing.T, access *rest.Config) {
	namespaced(t, access, "claim")
	v := manifestsOn(t, access, "claim")
	for mode, code := range map[string]int{"WaitForFirstConsumer": ExitOK, "Immediate": ExitFailed} {
		v.write("k8s.yaml", strings.NewReplacer("NAME", strings.ToLower(mode), "MODE", mode).Replace(`apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: NAME}
provisioner: none
volumeBindingMode: MODE
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: NAME}
spec: {accessModes: [ReadWriteOnce], storageClassName: NAME, resources: {requests: {storage: 1Gi}}}
`))
		if _, err := Apply(t.Context(), v.env, ApplyOptions{RolloutTimeout: time.Second}); ExitCode(err) != code {
			t.Errorf("%s: exit code %d: %v", mode, ExitCode(err), err)
		}
	}
}

// manifestRights applies as a user who may do only what docs/configuration.md says, or less.
func manifestRights(t *testing.T, access *rest.Config) {
	clients := namespaced(t, access, "rights")
	named := metav1.ObjectMeta{Name: "deploys"}
	role := func(verbs ...string) {
		t.Helper()
		made := &rbacv1.Role{ObjectMeta: named, Rules: []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"configmaps"}, Verbs: verbs}}}
		_, err := clients.RbacV1().Roles("rights").Update(t.Context(), made, metav1.UpdateOptions{})
		if apierrors.IsNotFound(err) {
			_, err = clients.RbacV1().Roles("rights").Create(t.Context(), made, metav1.CreateOptions{})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	binding := &rbacv1.RoleBinding{ObjectMeta: named, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "deploys"},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: "ci"}}}
	if _, err := clients.RbacV1().RoleBindings("rights").Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	poor := rest.CopyConfig(access)
	poor.Impersonate.UserName = "ci"
	v := manifestsOn(t, poor, "rights")
	v.write("k8s.yaml", configManifest("a", "1"))
	// The cluster may see a new Role a moment later.
	apply := func(o ApplyOptions, refused bool) error {
		t.Helper()
		for n := 0; ; n++ {
			_, err := Apply(t.Context(), v.env, o)
			if (err != nil) == refused || n == 50 {
				return err
			}
			time.Sleep(100 * time.Millisecond)
		}
	}

	role("get")
	if err := apply(ApplyOptions{}, true); ExitCode(err) != ExitStep || !strings.Contains(err.Error(), "permission denied; these credentials need get and patch") {
		t.Errorf("exit code %d: %v", ExitCode(err), err)
	}
	if values, inventory := configMaps(t, clients, "rights"); len(values) > 0 || inventory != "" {
		t.Errorf("it has changed %v, %s", values, inventory)
	}
	role("get", "create", "patch")
	if err := apply(ApplyOptions{}, false); err != nil {
		t.Error(err)
	}
	v.write("k8s.yaml", configManifest("b", "1"))
	if err := apply(ApplyOptions{Prune: true}, true); ExitCode(err) != ExitStep || !strings.Contains(err.Error(), "delete ConfigMap a") {
		t.Errorf("exit code %d: %v", ExitCode(err), err)
	}
	role("get", "create", "patch", "delete")
	if err := apply(ApplyOptions{Prune: true}, false); err != nil {
		t.Error(err)
	}
	if values, _ := configMaps(t, clients, "rights"); len(values) != 1 || values[0] != "b=1" {
		t.Errorf("there is %v", values)
	}
}

// namespaced creates a namespace, and returns an administrator's access.
func namespaced(t *testing.T, access *rest.Config, namespace string) kubernetes.Interface {
	t.Helper()
	clients, err := kubernetes.NewForConfig(access)
	if err == nil {
		_, err = clients.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}, metav1.CreateOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
	return clients
}

// sinkFunc is a report.Sink.
type sinkFunc func(report.Event)

func (f sinkFunc) Event(e report.Event) { f(e) }
