package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/testenv"
)

// BenchmarkForward compares dashboard with the real kubectl's port-forward. Both lead to the
// same pod of a real API server and kubelet, and both run all the time.
func BenchmarkForward(b *testing.B) {
	access, _ := testenv.Node(b)
	dir := b.TempDir()
	kubeconfig := filepath.Join(dir, "kubeconfig")
	if err := clientcmd.WriteToFile(*testenv.Kubeconfig(access), kubeconfig); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "slipway.yaml"), []byte("project: bench\ncluster: {kubeconfig: {path: kubeconfig}, namespace: default}\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	binary := filepath.Join(dir, "slipway")
	execute(b, testenv.Root(b), "go", "build", "-o", binary, "./cmd/slipway")
	servePod(b, access)
	theirs, ours := forwardPort(b), forwardPort(b)
	kubectl, slipway := exec.Command(testenv.Kubectl(b), "--kubeconfig", kubeconfig, "port-forward", "svc/web", strconv.Itoa(theirs)+":80"), exec.Command(binary, "dashboard", "svc/web", "--port", strconv.Itoa(ours))
	kubectl.Dir, slipway.Dir = dir, dir
	background(b, theirs, kubectl)
	background(b, ours, slipway)

	for _, load := range []struct {
		name            string
		at, each, bytes int
	}{
		{"one download of 512 MB", 1, 1, 512e6},
		{"8 downloads of 32 MB at once", 8, 1, 32e6},
		{"500 requests one after the other", 1, 500, 1},
	} {
		b.Run(load.name, func(b *testing.B) {
			contender := func(name string, port int) testenv.Contender {
				return testenv.Contender{Name: name, Run: func(tb testing.TB) int64 {
					var group sync.WaitGroup
					for range load.at {
						group.Go(func() {
							for range load.each {
								download(tb, port, load.bytes)
							}
						})
					}
					group.Wait()
					return 0
				}}
			}
			testenv.Compare(b, contender("kubectl port-forward", theirs), contender("slipway dashboard", ours))
		})
	}
}

// servePod runs a pod that serves, behind a Service.
func servePod(b *testing.B, access *rest.Config) {
	b.Helper()
	clients, err := kubernetes.NewForConfig(access)
	if err != nil {
		b.Fatal(err)
	}
	labels := map[string]string{"app": "web"}
	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "web"}, Spec: corev1.ServiceSpec{Selector: labels, Ports: []corev1.ServicePort{{Port: 80, TargetPort: intstr.FromInt32(8000)}}}}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web", Labels: labels}, Spec: corev1.PodSpec{Containers: []corev1.Container{{
		Name: "main", Image: testenv.PodImage, Args: []string{"serve=8000"},
		ReadinessProbe: &corev1.Probe{PeriodSeconds: 1, ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(8000)}}},
	}}}}
	if _, err := clients.CoreV1().Services("default").Create(b.Context(), service, metav1.CreateOptions{}); err != nil {
		b.Fatal(err)
	}
	if _, err := clients.CoreV1().Pods("default").Create(b.Context(), pod, metav1.CreateOptions{}); err != nil {
		b.Fatal(err)
	}
	for range 1200 {
		if made, err := clients.CoreV1().Pods("default").Get(b.Context(), "web", metav1.GetOptions{}); err == nil && cluster.Ready(made) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	b.Fatal("the pod is never ready")
}

// forwardPort returns a free port.
func forwardPort(b testing.TB) int {
	b.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// background runs a program until the benchmark ends, and waits until a port answers.
func background(tb testing.TB, port int, command *exec.Cmd) {
	tb.Helper()
	if err := command.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = command.Process.Signal(os.Interrupt)
		_ = command.Wait()
	})
	for range 600 {
		if response, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/", port)); err == nil {
			_ = response.Body.Close()
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	tb.Fatalf("%s forwards no port", command)
}

// download gets a number of bytes from a port, over a connection of its own.
func download(tb testing.TB, port, bytes int) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get(fmt.Sprintf("http://127.0.0.1:%d/bytes/%d", port, bytes))
	if err != nil {
		tb.Error(err)
		return
	}
	defer response.Body.Close()
	if n, err := io.Copy(io.Discard, response.Body); err != nil || n != int64(bytes) {
		tb.Errorf("%d bytes of %d, %v", n, bytes, err)
	}
}
