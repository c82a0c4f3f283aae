package tasks

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/sandbox/sandboxtest"
	"github.com/slipway-ci/slipway/internal/testenv"
)

// TestUpOnNode forwards a port of this machine to a service through a real API server,
// kubelet and container runtime.
func TestUpOnNode(t *testing.T) {
	if !testenv.Thorough() {
		t.Skip("a node of its own is for CI; TestRunsOnNode reaches a pod too")
	}
	access, _ := testenv.Node(t)
	env, events, port := serving(t, "polyaxon: {host: '"+sandboxtest.Polyaxon(t, "1.11.3", buildJob(t))+"'}", writeKubeconfig(t, access))
	clients := clientsOf(t, access)
	if _, err := clients.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: sandboxtest.Namespace}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()

	// The node has no GPU, and the namespace no credentials.
	_, err := Up(ctx, env, UpOptions{Service: "api"})
	if ExitCode(err) != ExitUsage || !strings.Contains(err.Error(), "service api can never start: no node of the cluster has nvidia.com/gpu") || !strings.Contains(err.Error(), "secret gcp-sa-credentials not found") {
		t.Errorf("a service that cannot start: %v", err)
	}
	text, err := os.ReadFile("api.yml")
	if err != nil {
		t.Fatal(err)
	}
	text = []byte(strings.Replace(string(text), "    resources: {limits: {nvidia.com/gpu: 2}}\n", "", 1))
	if err := os.WriteFile("api.yml", text, 0o600); err != nil {
		t.Fatal(err)
	}
	credentials := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "gcp-sa-credentials"}}
	if _, err := clients.CoreV1().Secrets(sandboxtest.Namespace).Create(ctx, credentials, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	up, err := Up(ctx, env, UpOptions{Service: "api"})
	if err != nil {
		t.Fatal(err)
	}
	serve(ctx, t, clients, "first", up.Jobs[0].UUID, port)
	address, interrupt := forwarded(ctx, t, env, events)
	ask(t, address.String(), "hello from first")
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	ask(t, address.String(), "hello from first")

	// The pod is replaced by another one, like when a node is drained.
	now := int64(0)
	if err := clients.CoreV1().Pods(sandboxtest.Namespace).Delete(ctx, "first", metav1.DeleteOptions{GracePeriodSeconds: &now}); err != nil {
		t.Fatal(err)
	}
	serve(ctx, t, clients, "second", up.Jobs[0].UUID, port)
	askUntil(ctx, t, address.String(), "hello from second") // a deleted container answers until it is gone

	interrupt()
	if response, err := http.Get(address.String()); err == nil {
		_ = response.Body.Close()
		t.Error("the port answers after the interrupt")
	}
	if _, err := Down(ctx, env, DownOptions{Service: "api"}); err != nil {
		t.Error(err)
	}
	t.Run("data", func(t *testing.T) { copiesData(ctx, t, access, clients) })
}

// serve runs a pod of the service and waits until the pod is ready.
func serve(ctx context.Context, t *testing.T, clients kubernetes.Interface, name, uuid string, port int) {
	t.Helper()
	p := pod(name, map[string]string{"app.kubernetes.io/instance": uuid})
	p.Spec.Containers[0].Image, p.Spec.Containers[0].Args = testenv.PodImage, []string{fmt.Sprintf("serve=%d", port)}
	pods := clients.CoreV1().Pods(p.Namespace)
	for { // retry until the namespace has its service account
		_, err := pods.Create(ctx, p, metav1.CreateOptions{})
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
	for {
		made, err := pods.Get(ctx, name, metav1.GetOptions{})
		switch {
		case err == nil && cluster.Ready(made):
			return
		case ctx.Err() != nil:
			t.Fatalf("pod %s is never ready: %v", name, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// askUntil asks over new connections until the answer is want.
func askUntil(ctx context.Context, t *testing.T, address, want string) {
	t.Helper()
	for {
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		response, err := http.Get(address)
		if err == nil {
			said, err := io.ReadAll(response.Body)
			_ = response.Body.Close()
			if err == nil && strings.TrimSpace(string(said)) == want {
				return
			}
		}
		select {
		case <-ctx.Done():
			t.Fatalf("the answer was never %q: %v", want, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// ask sends a request to a forwarded address of this machine.
func ask(t *testing.T, address, want string) {
	t.Helper()
	response, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	said, err := io.ReadAll(response.Body)
	if err != nil || strings.TrimSpace(string(said)) != want {
		t.Errorf("it answers %q, %v; want %q", said, err, want)
	}
}
