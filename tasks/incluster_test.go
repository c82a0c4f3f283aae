package tasks

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/cluster/clustertest"
	"github.com/slipway-ci/slipway/internal/gate"
	"github.com/slipway-ci/slipway/internal/sandbox/sandboxtest"
	"github.com/slipway-ci/slipway/internal/testenv"
)

// TestPolyaxonInCluster finds a Polyaxon that only the cluster can reach, through a real API
// server. It also forwards ports of this machine to a service of that Polyaxon, and to
// dashboards.
func TestPolyaxonInCluster(t *testing.T) {
	access := testenv.Kubernetes(t)
	clients := clientsOf(t, access)
	job := buildJob(t)
	env, events, _ := serving(t, "", writeKubeconfig(t, access))
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()

	// Nothing is installed yet.
	var none *cluster.NoNamespaceError
	if _, err := Up(ctx, env, UpOptions{Service: "api"}); !errors.As(err, &none) || ExitCode(err) != ExitUsage || !strings.HasPrefix(err.Error(), "slipway.yaml:3:") {
		t.Errorf("without Polyaxon: %v", err)
	}
	install(t, clients, sandboxtest.Polyaxon(t, "1.11.3", job))
	up, err := Up(ctx, env, UpOptions{Service: "api"})
	if err != nil {
		t.Fatal(err)
	}
	if up.Jobs[0].Address != "" || !strings.Contains(events.String(), "it can only be reached from within the cluster: slipway up api --port 8888") {
		t.Errorf("it answers at %q:\n%s", up.Jobs[0].Address, events)
	}
	clustertest.RunPod(t, clients.CoreV1().Pods(sandboxtest.Namespace), pod("api-pod", map[string]string{"app.kubernetes.io/instance": up.Jobs[0].UUID}))
	address, interrupt := forwarded(ctx, t, env, events)
	gated(t, address)
	interrupt()
	dashboards(ctx, t, env, events, clients)
	if list, err := Runs(ctx, env, RunsOptions{Services: true}); err != nil || len(list.Runs) != 1 || list.Runs[0].Status != "running" {
		t.Errorf("afterwards: %+v, %v", list, err)
	}
	if _, err := Down(ctx, env, DownOptions{Service: "api"}); err != nil {
		t.Error(err)
	}
}

// gated sends requests to a port that is forwarded to a service, both as the port's user and
// as others. The service does not see the prefix of the path.
func gated(t *testing.T, address *url.URL) {
	t.Helper()
	key := address.Query().Get(gate.Parameter)
	for who, c := range map[string]struct {
		path    string
		headers map[string]string
		want    int
		gets    string
	}{
		"the printed address":         {address.RequestURI(), nil, http.StatusOK, "/"},
		"a link of the program's own": {address.Path + "docs", map[string]string{"Authorization": "Bearer " + key}, http.StatusOK, "/docs"},
		"a link that has no base":     {"/static/app.js", map[string]string{"Authorization": "Bearer " + key}, http.StatusOK, "/static/app.js"},
		"another user of the machine": {"/", nil, http.StatusUnauthorized, ""},
		"another host's name":         {"/", map[string]string{"Authorization": "Bearer " + key, "Host": "rebound.example"}, http.StatusForbidden, ""},
		"a web page's script":         {"/", map[string]string{"Authorization": "Bearer " + key, "Origin": "http://evil.example"}, http.StatusForbidden, ""},
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address.Host+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range c.headers {
			request.Header.Set(name, value)
		}
		request.Host = c.headers["Host"]
		response, err := http.DefaultTransport.RoundTrip(request)
		if err != nil {
			t.Errorf("%s: %v", who, err)
			continue
		}
		_ = response.Body.Close()
		if response.StatusCode != c.want || response.Header.Get("Path") != c.gets {
			t.Errorf("%s gets %s, and the program is asked for %q; want %d and %q", who, response.Status, response.Header.Get("Path"), c.want, c.gets)
		}
	}
}

// forwarded runs `up api --port` until the service has answered. It returns the printed
// address and a function that interrupts the command.
func forwarded(ctx context.Context, t *testing.T, env *Env, events *eventLog) (address *url.URL, interrupt func()) {
	t.Helper()
	local := freePort(t)
	ctx, cancel := context.WithCancel(ctx)
	t.Cleanup(cancel)
	ended := make(chan error, 1)
	go func() {
		_, err := Up(ctx, env, UpOptions{Service: "api", Port: local})
		ended <- err
	}()
	for !strings.Contains(events.String(), "the port is forwarded to the service") {
		select {
		case err := <-ended:
			t.Fatalf("up has ended: %v\n%s", err, events)
		case <-ctx.Done():
			t.Fatalf("port %d never leads to the service:\n%s", local, events)
		case <-time.After(20 * time.Millisecond):
		}
	}
	printed := regexp.MustCompile(fmt.Sprintf(`up api: (http://127\.0\.0\.1:%d/\S+)`, local)).FindStringSubmatch(events.String())
	if printed == nil {
		t.Fatalf("no address is printed:\n%s", events)
	}
	address, err := url.Parse(printed[1])
	if err != nil {
		t.Fatal(err)
	}
	return address, func() {
		t.Helper()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("an interrupt of the forwarding: %v", err)
		}
	}
}

// install creates the objects that Polyaxon's chart creates for its gateway.
func install(t *testing.T, clients kubernetes.Interface, host string) {
	t.Helper()
	at, err := url.Parse(host)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(at.Port())
	if err != nil {
		t.Fatal(err)
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: sandboxtest.Namespace}}
	if _, err := clients.CoreV1().Namespaces().Create(t.Context(), namespace, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	credentials := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "gcp-sa-credentials"}}
	if _, err := clients.CoreV1().Secrets(sandboxtest.Namespace).Create(t.Context(), credentials, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "default", Namespace: sandboxtest.Namespace}}
	if _, err := clients.CoreV1().ServiceAccounts(sandboxtest.Namespace).Create(t.Context(), account, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	labels := map[string]string{"app.kubernetes.io/name": "polyaxon-polyaxon-gateway"}
	clustertest.Kubelet(t, clients.CoreV1().Nodes())
	clustertest.RunPod(t, clients.CoreV1().Pods(sandboxtest.Namespace), pod("polyaxon-polyaxon-gateway-0", labels))
	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "polyaxon-polyaxon-gateway", Namespace: sandboxtest.Namespace},
		Spec: corev1.ServiceSpec{Selector: labels, Ports: []corev1.ServicePort{{Port: 80, TargetPort: intstr.FromInt32(int32(port))}}}}
	if _, err := clients.CoreV1().Services(sandboxtest.Namespace).Create(t.Context(), service, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func pod(name string, labels map[string]string) *corev1.Pod {
	no := false
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: sandboxtest.Namespace, Labels: labels},
		Spec: corev1.PodSpec{AutomountServiceAccountToken: &no, Containers: []corev1.Container{{Name: "main", Image: "none"}}}}
}
