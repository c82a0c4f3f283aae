package main

import (
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/slipway-ci/slipway/internal/testenv"
)

// TestChangesKilledAtEveryRequest kills slipway at each request of an apply and of a sync of
// secrets, both with --prune, and of a deploy that creates a claim, to a real API server: before the server gets it or after the server
// has answered. Another one then comes to the same end as one that was not killed. Without CI
// it takes a sample of the requests.
func TestChangesKilledAtEveryRequest(t *testing.T) {
	t.Parallel()
	access := testenv.Kubernetes(t)
	transport, err := rest.TransportFor(access)
	if err != nil {
		t.Fatal(err)
	}
	target, err := url.Parse(access.Host)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }}
	clients, err := kubernetes.NewForConfig(access)
	if err != nil {
		t.Fatal(err)
	}
	waits := storagev1.VolumeBindingWaitForFirstConsumer // nothing binds claims here
	disks := &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: "disks"}, Provisioner: "disks.acme.dev", VolumeBindingMode: &waits}
	if _, err := clients.StorageV1().StorageClasses().Create(t.Context(), disks, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	object := func(name, value string) string {
		return fmt.Sprintf("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\ndata: {v: '%s'}\n", name, value)
	}
	for name, c := range map[string]*changes{
		"apply": {args: []string{"apply", "--prune"}, config: "manifests: [k8s.yaml]\n", changed: "k8s.yaml", first: object("a", "1") + object("b", "1"),
			second: object("b", "2") + object("c", "1"), state: configMaps, want: "b=2 c=1 slipway-manifests-story=v1 ConfigMap b\nv1 ConfigMap c\n", requests: 15},
		"claim": {args: []string{"deploy"}, config: "volume: {claim: data, create: {size: 1Gi, access: ReadWriteOnce, class: disks}}\nmanifests: [k8s.yaml]\n", changed: "k8s.yaml",
			first: object("a", "1"), second: object("a", "2"), state: claims, want: "data=1Gi", requests: 5},
		"secrets": {args: []string{"secrets", "sync", "--prune"}, config: "secrets: {b: {data: {v: 'file:value'}}, c: {data: {v: 'file:value'}}}\n", changed: "value",
			first: "1", second: "2", state: secrets, want: "b=2 c=2", requests: 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := clients.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
			c.T, c.clients, c.namespace, c.dir = t, clients, name, t.TempDir()
			kubeconfig, err := clientcmd.Write(*testenv.Kubeconfig(&rest.Config{Host: c.faults.Serve(t, proxy)}))
			if err != nil {
				t.Fatal(err)
			}
			c.write("kubeconfig", string(kubeconfig))
			c.write("slipway.yaml", "project: story\ncluster: {kubeconfig: {path: kubeconfig}, namespace: "+name+"}\n"+c.config)
			c.killedAtEveryRequest()
		})
	}
}

// changes is a command that changes a cluster by what a file has, first and then.
type changes struct {
	*testing.T
	args                           []string
	config, changed, first, second string
	state                          func(*changes) string
	// want is the state after second.
	want string
	// requests is the least number of requests.
	requests int

	faults         testenv.Faults
	clients        kubernetes.Interface
	namespace, dir string
}

func (c *changes) write(name, text string) {
	c.Helper()
	if err := os.WriteFile(filepath.Join(c.dir, name), []byte(text), 0o600); err != nil {
		c.Fatal(err)
	}
}

func (c *changes) command() *exec.Cmd { return exec.Command("slipway", append(c.args, "-C", c.dir)...) }

func (c *changes) run(what string) {
	c.Helper()
	c.faults.Watch(nil)
	if output, err := c.command().CombinedOutput(); err != nil {
		c.Fatalf("%s: %v\n%s", what, err, output)
	}
}

func (c *changes) killedAtEveryRequest() {
	step := 7
	if testenv.Thorough() {
		step = 2 // each request, before the server gets it or after its answer
	}
	for n, answered := range []bool{false, true} {
		for k, killed := 1+n, true; killed; k += step {
			what := fmt.Sprintf("request %d, answered %v", k, answered)
			c.write(c.changed, c.first)
			c.prepare()
			c.run("before " + what)
			c.write(c.changed, c.second)
			c.prepare()
			killed = c.kill(k, answered)
			if !killed && k < c.requests {
				c.Errorf("it has only %d requests", k)
			}
			c.run("after " + what)
			if have := c.state(c); have != c.want {
				c.Fatalf("after %s there is %q", what, have)
			}
		}
	}
}

// prepare creates a secret of the project that is not in slipway.yaml any more, and deletes the claim.
func (c *changes) prepare() {
	c.Helper()
	labels := map[string]string{"app.kubernetes.io/managed-by": "slipway", "slipway.dev/project": "story"}
	_, _ = c.clients.CoreV1().Secrets(c.namespace).Create(c.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "a", Labels: labels}}, metav1.CreateOptions{})
	claims := c.clients.CoreV1().PersistentVolumeClaims(c.namespace)
	_, _ = claims.Patch(c.Context(), "data", types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
	_ = claims.Delete(c.Context(), "data", metav1.DeleteOptions{})
}

// kill runs the command and kills it at a request. It reports whether there was one.
func (c *changes) kill(k int, answered bool) bool {
	c.Helper()
	command := c.command()
	started := make(chan struct{})
	var once sync.Once
	c.faults.Spoil(0, "")
	c.faults.Watch(func(n int, _ *http.Request, a bool) {
		if n > k || n == k && a == answered {
			<-started
			once.Do(func() { _ = command.Process.Kill() })
			panic(http.ErrAbortHandler)
		}
	})
	if err := command.Start(); err != nil {
		c.Fatal(err)
	}
	close(started)
	killed := command.Wait() != nil
	c.faults.Quiet()
	return killed
}

// configMaps returns the values of the config maps.
func configMaps(c *changes) string {
	list, err := c.clients.CoreV1().ConfigMaps(c.namespace).List(c.Context(), metav1.ListOptions{})
	if err != nil {
		c.Fatal(err)
	}
	var all []string
	for i := range list.Items {
		for _, value := range list.Items[i].Data {
			all = append(all, list.Items[i].Name+"="+value)
		}
	}
	return strings.Join(all, " ")
}

// secrets returns the values of the secrets.
func secrets(c *changes) string {
	list, err := c.clients.CoreV1().Secrets(c.namespace).List(c.Context(), metav1.ListOptions{})
	if err != nil {
		c.Fatal(err)
	}
	var all []string
	for i := range list.Items {
		all = append(all, list.Items[i].Name+"="+string(list.Items[i].Data["v"]))
	}
	return strings.Join(all, " ")
}

// claims returns the sizes of the claims.
func claims(c *changes) string {
	list, err := c.clients.CoreV1().PersistentVolumeClaims(c.namespace).List(c.Context(), metav1.ListOptions{})
	if err != nil {
		c.Fatal(err)
	}
	var found []string
	for i := range list.Items {
		found = append(found, list.Items[i].Name+"="+list.Items[i].Spec.Resources.Requests.Storage().String())
	}
	return strings.Join(found, " ")
}
