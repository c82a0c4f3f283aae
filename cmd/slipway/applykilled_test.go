package main

import (
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/slipway-ci/slipway/internal/testenv"
)

// TestApplyKilledAtEveryRequest kills slipway at each request of an apply with --prune to a real
// API server, before the server gets it or after the server has answered. Another apply then comes
// to the same end as one that was not killed. Without CI it takes a sample.
func TestApplyKilledAtEveryRequest(t *testing.T) {
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
	faults := &testenv.Faults{}
	host := faults.Serve(t, &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }})
	clients, err := kubernetes.NewForConfig(access)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := clients.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "killed"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	kubeconfig, err := clientcmd.Write(*testenv.Kubeconfig(&rest.Config{Host: host}))
	if err != nil {
		t.Fatal(err)
	}
	write("kubeconfig", string(kubeconfig))
	write("slipway.yaml", "project: story\ncluster: {kubeconfig: {path: kubeconfig}, namespace: killed}\nmanifests: [k8s.yaml]\n")
	object := func(name, value string) string {
		return fmt.Sprintf("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\ndata: {v: '%s'}\n", name, value)
	}
	apply := func(what string) {
		t.Helper()
		faults.Watch(nil)
		if output, err := exec.Command("slipway", "apply", "--prune", "-C", dir).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", what, err, output)
		}
	}
	step := 7
	if testenv.Thorough() {
		step = 1
	}
	for _, answered := range []bool{false, true} {
		for k, killed := 1, true; killed; k += step {
			what := fmt.Sprintf("request %d, answered %v", k, answered)
			write("k8s.yaml", object("a", "1")+object("b", "1"))
			apply("before " + what)
			write("k8s.yaml", object("b", "2")+object("c", "1"))
			command := exec.Command("slipway", "apply", "--prune", "-C", dir)
			started := make(chan struct{})
			var once sync.Once
			faults.Spoil(0, "")
			faults.Watch(func(n int, _ *http.Request, a bool) {
				if n > k || n == k && a == answered {
					<-started
					once.Do(func() { _ = command.Process.Kill() })
					panic(http.ErrAbortHandler)
				}
			})
			if err := command.Start(); err != nil {
				t.Fatal(err)
			}
			close(started)
			killed = command.Wait() != nil
			faults.Quiet()
			if !killed && k < 15 {
				t.Errorf("an apply has only %d requests", k)
			}
			apply("after " + what)
			if have := stateOf(t, clients); have != "b=2 c=1 slipway-manifests-story=v1 ConfigMap b\nv1 ConfigMap c\n" {
				t.Fatalf("after %s there is %q", what, have)
			}
		}
	}
}

// stateOf returns the values of the config maps.
func stateOf(t *testing.T, clients kubernetes.Interface) string {
	t.Helper()
	list, err := clients.CoreV1().ConfigMaps("killed").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for i := range list.Items {
		for _, value := range list.Items[i].Data {
			if text != "" {
				text += " "
			}
			text += list.Items[i].Name + "=" + value
		}
	}
	return text
}
