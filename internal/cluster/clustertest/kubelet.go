package clustertest

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/httpstream"
	"k8s.io/apimachinery/pkg/util/httpstream/spdy"

	"github.com/slipway-ci/slipway/internal/testenv"
)

// Creator is a client of objects of one type.
type Creator[T any] interface {
	Create(context.Context, T, metav1.CreateOptions) (T, error)
	UpdateStatus(context.Context, T, metav1.UpdateOptions) (T, error)
}

// Kubelet adds a node with 16 GPUs to a cluster that has none. The node's kubelet forwards
// ports of pods to the same ports of this machine's loopback, and says that 3 of 10 GB are
// used of the claim data in the namespace polyaxon-v1.
func Kubelet(t testing.TB, nodes Creator[*corev1.Node]) {
	t.Helper()
	handler := http.NewServeMux()
	handler.HandleFunc("/portForward/", forwardPort)
	handler.HandleFunc("/stats/summary", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, summary) })
	listener, err := net.Listen("tcp", net.JoinHostPort(testenv.Address(t), "0"))
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}}
	server.StartTLS()
	t.Cleanup(server.Close)
	node, err := nodes.Create(t.Context(), &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	at := listener.Addr().(*net.TCPAddr)
	node.Status = corev1.NodeStatus{Allocatable: corev1.ResourceList{"nvidia.com/gpu": resource.MustParse("16")}, Addresses: []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: at.IP.String()}},
		DaemonEndpoints: corev1.NodeDaemonEndpoints{KubeletEndpoint: corev1.DaemonEndpoint{Port: int32(at.Port)}}}
	if _, err := nodes.UpdateStatus(t.Context(), node, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// RunPod creates a pod on Kubelet's node and marks it as running and ready.
func RunPod(t testing.TB, pods Creator[*corev1.Pod], pod *corev1.Pod) {
	t.Helper()
	pod.Spec.NodeName = "node"
	made, err := pods.Create(t.Context(), pod, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	made.Status.Phase, made.Status.Conditions = corev1.PodRunning, []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	if _, err := pods.UpdateStatus(t.Context(), made, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// summary is what Kubelet says about the use of volumes, in the form of a real one.
const summary = `{"node": {"nodeName": "node"}, "pods": [{"podRef": {"name": "a", "namespace": "polyaxon-v1"}, "volume": [
	{"time": "2026-01-02T03:04:05Z", "availableBytes": 1, "capacityBytes": 2, "usedBytes": 1, "name": "tmp"},
	{"availableBytes": 7000000000, "capacityBytes": 10000000000, "usedBytes": 3000000000, "inodes": 9, "name": "data", "pvcRef": {"name": "data", "namespace": "polyaxon-v1"}}]}]}`

// forwardPort connects the streams of a port-forward request to the same port of
// loopback.
func forwardPort(w http.ResponseWriter, r *http.Request) {
	if _, err := httpstream.Handshake(r, w, []string{"portforward.k8s.io"}); err != nil {
		return
	}
	streams := make(chan httpstream.Stream)
	connection := spdy.NewResponseUpgrader().UpgradeResponse(w, r, func(s httpstream.Stream, replied <-chan struct{}) error {
		go func() { <-replied; streams <- s }()
		return nil
	})
	if connection == nil {
		return
	}
	defer connection.Close()
	var copies sync.WaitGroup
	defer copies.Wait()
	first := map[string]httpstream.Stream{} // the first of two streams, by the number of the request
	for {
		select {
		case <-connection.CloseChan():
			return
		case s := <-streams:
			id := s.Headers().Get(corev1.PortForwardRequestIDHeader)
			other := first[id]
			if other == nil {
				first[id] = s
				continue
			}
			delete(first, id)
			if s.Headers().Get(corev1.StreamType) == corev1.StreamTypeError {
				s, other = other, s
			}
			copies.Go(func() {
				defer connection.RemoveStreams(s, other)
				copyPort(connection, s, other)
			})
		}
	}
}

// copyPort connects a pair of streams to a port of loopback.
func copyPort(connection httpstream.Connection, data, failures httpstream.Stream) {
	defer failures.Close()
	target, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", data.Headers().Get(corev1.PortHeader)))
	if err != nil {
		fmt.Fprint(failures, err)
		return
	}
	done := make(chan struct{})
	defer close(done)
	go func() {
		select {
		case <-connection.CloseChan():
		case <-done:
		}
		_ = target.Close()
	}()
	go func() { _, _ = io.Copy(target, data); _ = target.(*net.TCPConn).CloseWrite() }()
	_, _ = io.Copy(data, target)
	_ = data.Close()
}
