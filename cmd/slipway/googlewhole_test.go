package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/rogpeppe/go-internal/testscript"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/watch"
	client "k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/slipway-ci/slipway/internal/cluster/clustertest"
	"github.com/slipway-ci/slipway/internal/google/googletest"
	"github.com/slipway-ci/slipway/internal/registry/registrytest"
	"github.com/slipway-ci/slipway/internal/sandbox/sandboxtest"
	"github.com/slipway-ci/slipway/internal/testenv"
	"github.com/slipway-ci/slipway/tasks/report"
)

// installPolyaxon creates a node, a default storage class, and what Polyaxon's chart creates for
// its gateway. The server is the sandbox's of release 2.18, outside of a sandbox.
func installPolyaxon(t *testing.T, ts *testscript.TestScript, access *rest.Config) {
	clients, err := client.NewForConfig(access)
	ts.Check(err)
	program := ts.MkAbs(".program")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./testdata/job")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		ts.Fatalf("build the job: %v\n%s", err, out)
	}
	at, err := url.Parse(sandboxtest.Polyaxon(t, "2.18", program))
	ts.Check(err)
	port, err := strconv.Atoi(at.Port())
	ts.Check(err)
	ctx, options, core, delayed, no := t.Context(), metav1.CreateOptions{}, clients.CoreV1(), storagev1.VolumeBindingWaitForFirstConsumer, false
	_, err = clients.StorageV1().StorageClasses().Create(ctx, &storagev1.StorageClass{Provisioner: "none", VolumeBindingMode: &delayed,
		ObjectMeta: metav1.ObjectMeta{Name: "standard-rwx", Annotations: map[string]string{"storageclass.kubernetes.io/is-default-class": "true"}}}, options)
	ts.Check(err)
	_, err = core.ServiceAccounts("polyaxon-v1").Create(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "default"}}, options)
	ts.Check(err)
	ts.Check(clientcmd.WriteToFile(*testenv.Kubeconfig(access), administrator(ts)))
	controlDeployments(t, ts, clients)
	labels := map[string]string{"app.kubernetes.io/name": "polyaxon-polyaxon-gateway"}
	clustertest.Kubelet(t, core.Nodes())
	node, err := core.Nodes().Get(ctx, "node", metav1.GetOptions{})
	ts.Check(err)
	node.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
	node.Status.Capacity = node.Status.Allocatable
	_, err = core.Nodes().UpdateStatus(ctx, node, metav1.UpdateOptions{})
	ts.Check(err)
	clustertest.RunPod(t, core.Pods("polyaxon-v1"), &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "polyaxon-polyaxon-gateway-0", Labels: labels},
		Spec: corev1.PodSpec{AutomountServiceAccountToken: &no, Containers: []corev1.Container{{Name: "main", Image: "none"}}}})
	installMLflow(t, ts, clients)
	_, err = core.Services("polyaxon-v1").Create(ctx, &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "polyaxon-polyaxon-gateway"},
		Spec: corev1.ServiceSpec{Selector: labels, Ports: []corev1.ServicePort{{Port: 80, TargetPort: intstr.FromInt(port)}}}}, options)
	ts.Check(err)
}

// installMLflow creates the Service and the pod of a tracking server that answers "MLflow".
func installMLflow(t *testing.T, ts *testscript.TestScript, clients client.Interface) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "MLflow") }))
	t.Cleanup(server.Close)
	no, labels := false, map[string]string{"app": "mlflow"}
	clustertest.RunPod(t, clients.CoreV1().Pods("polyaxon-v1"), &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "mlflow-0", Labels: labels},
		Spec: corev1.PodSpec{AutomountServiceAccountToken: &no, Containers: []corev1.Container{{Name: "main", Image: "none"}}}})
	_, err := clients.CoreV1().Services("polyaxon-v1").Create(t.Context(), &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "mlflow"},
		Spec: corev1.ServiceSpec{Selector: labels, Ports: []corev1.ServicePort{{Port: 5000, TargetPort: intstr.FromInt(server.Listener.Addr().(*net.TCPAddr).Port)}}}}, metav1.CreateOptions{})
	ts.Check(err)
}

// controlDeployments does what Kubernetes' controller of Deployments does, without pods: each
// Deployment is rolled out as soon as it is written.
func controlDeployments(t *testing.T, ts *testscript.TestScript, clients client.Interface) {
	deployments := clients.AppsV1().Deployments("polyaxon-v1")
	changes, err := deployments.Watch(t.Context(), metav1.ListOptions{})
	ts.Check(err)
	go func() {
		for change := range changes.ResultChan() {
			d, ok := change.Object.(*appsv1.Deployment)
			if !ok || change.Type == watch.Deleted || d.Status.ObservedGeneration == d.Generation {
				continue
			}
			n := *d.Spec.Replicas
			d.Status = appsv1.DeploymentStatus{ObservedGeneration: d.Generation, Replicas: n, UpdatedReplicas: n, ReadyReplicas: n, AvailableReplicas: n, Conditions: []appsv1.DeploymentCondition{
				{Type: appsv1.DeploymentAvailable, Status: corev1.ConditionTrue}, {Type: appsv1.DeploymentProgressing, Status: corev1.ConditionTrue, Reason: "NewReplicaSetAvailable"}}}
			_, _ = deployments.UpdateStatus(t.Context(), d, metav1.UpdateOptions{}) // another write is another change
		}
	}()
}

// servicePod runs a pod on the node of a whole cloud, as Polyaxon's agent does for the newest run of
// a service: servicepod SERVICE. Its ports lead to the process of that run.
func servicePod(t *testing.T, ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: servicepod SERVICE")
	}
	ts.Check(ts.Exec("slipway", "-o", "json", "status", args[0]))
	var result report.Result
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &result))
	access, err := clientcmd.BuildConfigFromFlags("", administrator(ts))
	ts.Check(err)
	clients, err := client.NewForConfig(access)
	ts.Check(err)
	no, id := false, result.Runs[0].UUID
	clustertest.RunPod(t, clients.CoreV1().Pods("polyaxon-v1"), &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "plx-operation-" + id, Labels: map[string]string{"app.kubernetes.io/instance": id}},
		Spec: corev1.PodSpec{AutomountServiceAccountToken: &no, Containers: []corev1.Container{{Name: "main", Image: "none"}}}})
}

// administrator returns the path of a kubeconfig for the cluster of a whole cloud.
func administrator(ts *testscript.TestScript) string {
	return filepath.Join(ts.Getenv("WORK"), ".administrator")
}

// registries serves Google's registry and Docker Hub, with the base of docs/google.md, under their
// own names, to programs that use the proxy and the authority of the story's environment. Google's
// takes access tokens of the cloud only.
func registries(t *testing.T, ts *testscript.TestScript, cloud *googletest.Server) {
	hub, google := registrytest.InMemory(), registrytest.InMemory()
	pushBase(t, ts, hub)
	authority, certificate := selfSigned(t, ts, "*.pkg.dev", "*.docker.io")
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.Host, "-docker.pkg.dev") {
			hub.ServeHTTP(w, r)
			return
		}
		user, password, _ := r.BasicAuth()
		r.Header.Set("Authorization", "Bearer "+password)
		if _, ok := cloud.Valid(r); !ok || user != "oauth2accesstoken" {
			w.Header().Set("WWW-Authenticate", `Basic realm="Artifact Registry"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		google.ServeHTTP(w, r)
	}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	server.StartTLS()
	t.Cleanup(server.Close)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		tunnel(w, server.Listener.Addr().String())
	}))
	t.Cleanup(proxy.Close)
	file := ts.MkAbs(".authority.pem")
	ts.Check(os.WriteFile(file, authority, 0o600))
	ts.Setenv("SSL_CERT_FILE", file)
	ts.Setenv("HTTPS_PROXY", proxy.URL)
}

// tunnel connects the client of a request CONNECT with an address.
func tunnel(w http.ResponseWriter, address string) {
	to, err := net.Dial("tcp", address)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer to.Close()
	from, begun, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer from.Close()
	_, _ = io.WriteString(from, "HTTP/1.1 200 Connection established\r\n\r\n")
	go func() { _, _ = io.Copy(to, begun) }()
	_, _ = io.Copy(from, to)
}

// pushBase pushes an image for python:3.12-slim to a registry.
func pushBase(t *testing.T, ts *testscript.TestScript, to http.Handler) {
	server := httptest.NewServer(to)
	defer server.Close()
	reference, err := name.ParseReference(strings.TrimPrefix(server.URL, "http://")+"/library/python:3.12-slim", name.Insecure)
	ts.Check(err)
	var base v1.ImageIndex = empty.Index
	for _, architecture := range []string{"amd64", "arm64"} {
		image, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{OS: "linux", Architecture: architecture, RootFS: v1.RootFS{Type: "layers"}})
		ts.Check(err)
		base = mutate.AppendManifests(base, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: architecture}}})
	}
	ts.Check(remote.WriteIndex(reference, base, remote.WithContext(t.Context())))
}

// selfSigned returns a certificate for hosts that is its own authority, as PEM and for a server.
func selfSigned(t *testing.T, ts *testscript.TestScript, hosts ...string) ([]byte, tls.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, DNSNames: hosts}
	made, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	ts.Check(err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: made}), tls.Certificate{Certificate: [][]byte{made}, PrivateKey: key}
}
