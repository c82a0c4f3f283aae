package cluster_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/rest"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/cluster/clustertest"
)

// routes follows routes to pods of the real API server. Its node is clustertest's. It also
// finds Services.
func routes(t *testing.T, access *rest.Config) {
	c, err := cluster.Connect(access, "routes", "test")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.EnsureNamespace(t.Context()); err != nil {
		t.Fatal(err)
	}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "default"}}
	if err := c.Client.CoreV1().RESTClient().Post().Namespace(c.Namespace).Resource("serviceaccounts").Body(account).Do(t.Context()).Error(); err != nil {
		t.Fatal(err)
	}
	clustertest.Kubelet(t, c.Client.CoreV1().Nodes())
	t.Run("find services", func(t *testing.T) { findServices(t, c) })
	t.Run("fall back to SPDY", func(t *testing.T) { fallBackToSPDY(t, c, access) })
	t.Run("follow a route", func(t *testing.T) { followRoute(t, c) })
}

// createService creates a Service that selects the pods with its name as their label app.
func createService(t *testing.T, c *cluster.Cluster, name string, labels map[string]string, ports ...corev1.ServicePort) {
	t.Helper()
	s := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}, Spec: corev1.ServiceSpec{Selector: map[string]string{"app": name}, Ports: ports}}
	if _, err := c.Client.CoreV1().Services(c.Namespace).Create(t.Context(), s, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// findServices finds Services by name, port and label.
func findServices(t *testing.T, c *cluster.Cluster) {
	fails := func(err error, want string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want %q", err, want)
		}
	}
	configured := ""
	mlflow := func() (string, error) {
		s, err := c.MLflow(t.Context(), configured)
		if err != nil {
			return "", err
		}
		return s.Name(), nil
	}
	_, err := mlflow()
	fails(err, "namespace routes of cluster test has no service of MLflow (named mlflow, or with the label app.kubernetes.io/name=mlflow)")
	createService(t, c, "team-mlflow-server", nil, corev1.ServicePort{Port: 80})
	_, err = mlflow()
	fails(err, "did you mean svc/team-mlflow-server?")
	label := map[string]string{"app.kubernetes.io/name": "mlflow"}
	createService(t, c, "tracking", label, corev1.ServicePort{Port: 80})
	if name, err := mlflow(); name != "tracking" {
		t.Errorf("MLflow is %q, %v", name, err)
	}
	createService(t, c, "tracking-2", label, corev1.ServicePort{Port: 80})
	_, err = mlflow()
	fails(err, "namespace routes of cluster test has more than one MLflow: choose one of svc/tracking, svc/tracking-2")
	createService(t, c, "mlflow", nil, corev1.ServicePort{Name: "http", Port: 5000}, corev1.ServicePort{Name: "https", Port: 8443})
	if name, err := mlflow(); name != "mlflow" {
		t.Errorf("MLflow is %q, %v", name, err)
	}

	configured = "tracking-2"
	if name, err := mlflow(); name != "tracking-2" {
		t.Errorf("the configured MLflow is %q, %v", name, err)
	}
	configured = "mlflaw"
	_, err = mlflow()
	fails(err, "namespace routes of cluster test has no service mlflaw: did you mean svc/mlflow?")

	for port, want := range map[string]string{"": "http", "5000": "http", "http": "http", "8443": "https", "https": "https"} {
		if s, err := c.Service(t.Context(), "mlflow", port); err != nil || s.Scheme() != want {
			t.Errorf("port %q: %v", port, err)
		}
	}
	_, err = c.Service(t.Context(), "mlflow", "grpc")
	fails(err, "service mlflow has no port grpc: it has 5000 (http), 8443 (https)")
	_, err = c.Service(t.Context(), "mlflaw", "")
	fails(err, "namespace routes of cluster test has no service mlflaw: did you mean svc/mlflow?")
	s, err := c.Service(t.Context(), "mlflow", "")
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.OpenRoute(t.Context())
	fails(err, "service mlflow has no ready pod (0 in total)")
}

// told collects what a route tells.
type told struct {
	mu    sync.Mutex
	texts []string
}

func (w *told) tell(up bool, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.texts = append(w.texts, fmt.Sprint(up, " ", text))
}

// await waits until a text was told.
func (w *told) await(t *testing.T, want string) {
	t.Helper()
	for range 600 {
		w.mu.Lock()
		said := slices.ContainsFunc(w.texts, func(text string) bool { return strings.Contains(text, want) })
		w.mu.Unlock()
		if said {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("%q is not told, but %q", want, w.texts)
}

// followRoute dials a route while its pod is deleted and made again, with the same name and
// another port.
func followRoute(t *testing.T, c *cluster.Cluster) {
	createService(t, c, "web", nil, corev1.ServicePort{Port: 80, TargetPort: intstr.FromString("http")})
	web, err := c.Service(t.Context(), "web", "")
	if err != nil {
		t.Fatal(err)
	}
	no, now := false, int64(0)
	run := func(answer string) {
		t.Helper()
		clustertest.RunPod(t, c.Client.CoreV1().Pods(c.Namespace), &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: "web-0", Namespace: c.Namespace, Labels: map[string]string{"app": "web"}},
			Spec: corev1.PodSpec{AutomountServiceAccountToken: &no, Containers: []corev1.Container{{
				Name: "main", Image: "none", Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: int32(answers(t, answer))}},
			}}},
		})
	}
	run("first")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	route, err := web.OpenRoute(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var ended sync.WaitGroup
	said := &told{}
	ended.Go(func() { route.Follow(ctx, said.tell) })
	ask := func(want string) {
		t.Helper()
		connection, err := route.Dial(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer connection.Close()
		_, _ = io.WriteString(connection, "hello\n")
		if line, err := bufio.NewReader(connection).ReadString('\n'); err != nil || line != want+": hello\n" {
			t.Errorf("it answers %q, %v; want %s", line, err, want)
		}
		if rest, err := io.ReadAll(connection); err != nil || len(rest) > 0 {
			t.Errorf("then %q, %v", rest, err)
		}
	}
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() { ask("first") })
	}
	group.Wait()
	ask("first")

	if err := c.Client.CoreV1().Pods(c.Namespace).Delete(ctx, "web-0", metav1.DeleteOptions{GracePeriodSeconds: &now}); err != nil {
		t.Fatal(err)
	}
	said.await(t, "false service web has no ready pod (0 in total); trying again")
	waiting := make(chan struct{})
	go func() { defer close(waiting); ask("second") }() // while there is no pod
	run("second")
	<-waiting
	said.await(t, "true connected to pod web-0")

	if err := c.Client.CoreV1().Pods(c.Namespace).Delete(ctx, "web-0", metav1.DeleteOptions{GracePeriodSeconds: &now}); err != nil {
		t.Fatal(err)
	}
	deleteNamespace(t, c)
	said.await(t, "false cluster test has no namespace routes")
	begun := time.Now()
	if _, err := route.Dial(ctx); !errors.As(err, new(*cluster.NoNamespaceError)) || time.Since(begun) > 10*time.Second {
		t.Errorf("without its namespace, it dials with %v, after %s", err, time.Since(begun))
	}
	cancel()
	ended.Wait()
	if _, err := route.Dial(t.Context()); err == nil || err.Error() != "the port is no longer forwarded" {
		t.Errorf("after its end, it dials with %v", err)
	}
}

// deleteNamespace does what Kubernetes' namespace controller does, which is not here.
func deleteNamespace(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	namespaces := c.Client.CoreV1().Namespaces()
	if err := namespaces.Delete(t.Context(), c.Namespace, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	terminating, err := namespaces.Get(t.Context(), c.Namespace, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	terminating.Spec.Finalizers = nil
	if err := c.Client.CoreV1().RESTClient().Put().Resource("namespaces").Name(c.Namespace).SubResource("finalize").Body(terminating).Do(t.Context()).Error(); err != nil {
		t.Fatal(err)
	}
}

// fallBackToSPDY reaches a pod through proxies before the API server that refuse WebSockets in
// several ways. One passes the request on without its header Upgrade. The last one refuses
// SPDY, too.
func fallBackToSPDY(t *testing.T, c *cluster.Cluster, access *rest.Config) {
	no := false
	port := answers(t, "spdy")
	clustertest.RunPod(t, c.Client.CoreV1().Pods(c.Namespace), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "old", Namespace: c.Namespace},
		Spec:       corev1.PodSpec{AutomountServiceAccountToken: &no, Containers: []corev1.Container{{Name: "main", Image: "none"}}},
	})
	for _, status := range []int{http.StatusBadRequest, http.StatusForbidden, http.StatusBadGateway, dropHeader} {
		asked := &asked{}
		proxied, err := cluster.Connect(&rest.Config{Host: proxy(t, access, asked, status, 0)}, c.Namespace, "proxied")
		if err != nil {
			t.Fatal(err)
		}
		connection, err := proxied.DialPod(t.Context(), "old", port)
		if err != nil {
			t.Errorf("%d: %v", status, err)
			continue
		}
		_, _ = io.WriteString(connection, "hello\n")
		if line, err := bufio.NewReader(connection).ReadString('\n'); err != nil || line != "spdy: hello\n" {
			t.Errorf("%d: it answers %q, %v", status, line, err)
		}
		_ = connection.Close()
		if protocols := asked.list(); !slices.Equal(protocols, []string{"websocket", "SPDY/3.1"}) {
			t.Errorf("%d: the proxy is asked for %q", status, protocols)
		}
	}
	proxied, err := cluster.Connect(&rest.Config{Host: proxy(t, access, &asked{}, http.StatusBadRequest, http.StatusForbidden)}, c.Namespace, "proxied")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := proxied.DialPod(t.Context(), "old", port); err == nil || !strings.Contains(err.Error(), "neither to WebSockets nor to SPDY (403 Forbidden): refused") {
		t.Errorf("without both: %v", err)
	}
	if _, err := c.DialPod(t.Context(), "missing", port); !apierrors.IsNotFound(err) {
		t.Errorf("a pod that is not there: %v", err)
	}
}

// dropHeader makes proxy pass on a request for a WebSocket without its header Upgrade.
const dropHeader = 0

// asked has the protocols that a proxy was asked for.
type asked struct {
	mu  sync.Mutex
	all []string
}

func (a *asked) add(protocol string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all = append(a.all, protocol)
}

func (a *asked) list() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.all)
}

// proxy starts a proxy before an API server, and returns its URL. It refuses WebSockets with
// one status, and SPDY with another one, if that is not 0.
func proxy(t *testing.T, access *rest.Config, asked *asked, webSocket, spdy int) string {
	t.Helper()
	access = rest.CopyConfig(access)
	access.NextProtos = []string{"http/1.1"}
	transport, err := rest.TransportFor(access)
	if err != nil {
		t.Fatal(err)
	}
	server, err := url.Parse(access.Host)
	if err != nil {
		t.Fatal(err)
	}
	pass := httputil.NewSingleHostReverseProxy(server)
	pass.Transport = transport
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protocol := r.Header.Get("Upgrade")
		if protocol != "" {
			asked.add(protocol)
		}
		status := spdy
		if protocol == "websocket" {
			if status = webSocket; status == dropHeader {
				r.Header.Del("Upgrade")
				r.Header.Del("Connection")
			}
		}
		if protocol != "" && status != 0 {
			http.Error(w, "refused", status)
			return
		}
		pass.ServeHTTP(w, r)
	}))
	t.Cleanup(proxy.Close)
	return proxy.URL
}

// answers listens on a port of loopback. It answers each connection with its line after a
// text, and ends it.
func answers(t *testing.T, text string) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer connection.Close()
				line, _ := bufio.NewReader(connection).ReadString('\n')
				_, _ = io.WriteString(connection, text+": "+line)
			}()
		}
	}()
	return listener.Addr().(*net.TCPAddr).Port
}
