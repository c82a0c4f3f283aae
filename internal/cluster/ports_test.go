package cluster_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/slipway-ci/slipway/internal/cluster"
)

// ports connects to ports through the API server and the kubelet.
func ports(t *testing.T, c *cluster.Cluster) {
	t.Run("port", func(t *testing.T) {
		t.Parallel()
		p := pod(t, "serve=8000")
		create(t, c, p)
		awaitPod(t, c, p.Name, cluster.Ready)
		dial := func() net.Conn {
			t.Helper()
			connection, err := c.DialPod(t.Context(), p.Name, 8000)
			if err != nil {
				t.Fatal(err)
			}
			return connection
		}
		client := &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return dial(), nil }}, Timeout: time.Minute}
		for range 3 { // the second reuses the first's connection, the third makes its own
			response, err := client.Get("http://pod/")
			if err != nil {
				t.Fatal(err)
			}
			said, err := io.ReadAll(response.Body)
			_ = response.Body.Close()
			if err != nil || strings.TrimSpace(string(said)) != "hello from "+p.Name {
				t.Fatalf("it answers %q, %v", said, err)
			}
		}
		client.CloseIdleConnections()
		if response, err := client.Get("http://pod/"); err != nil {
			t.Errorf("after its connection was closed: %v", err)
		} else {
			_ = response.Body.Close()
		}

		closed, err := c.DialPod(t.Context(), p.Name, 9999)
		if err != nil {
			t.Fatal(err)
		}
		defer closed.Close()
		if _, err := closed.Read(make([]byte, 1)); err == nil || !strings.Contains(err.Error(), "refused") {
			t.Errorf("a port where nobody listens: %v", err)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := c.DialPod(ended, p.Name, 8000); !errors.Is(err, context.Canceled) {
			t.Errorf("after its context has ended: %v", err)
		}
		if _, err := c.DialPod(t.Context(), "nobody", 8000); err == nil || !strings.Contains(err.Error(), `pods "nobody" not found`) {
			t.Errorf("a pod that is not there: %v", err)
		}

		last := dial()
		defer last.Close()
		now := int64(0)
		if err := c.Client.CoreV1().Pods(c.Namespace).Delete(t.Context(), p.Name, metav1.DeleteOptions{GracePeriodSeconds: &now}); err != nil {
			t.Fatal(err)
		}
		if _, err := last.Read(make([]byte, 1)); err == nil {
			t.Error("a pod that was deleted has sent something")
		}
	})
}

// restarts follows a route to pods of a real kubelet. A pod's container is killed and started
// again, and then the pod is replaced.
func restarts(t *testing.T, c *cluster.Cluster) {
	t.Run("route", func(t *testing.T) {
		t.Parallel()
		createService(t, c, "web", nil, corev1.ServicePort{Port: 80, TargetPort: intstr.FromInt32(8000)})
		serve := func(args ...string) *corev1.Pod {
			t.Helper()
			p := pod(t, args...)
			p.Labels["app"] = "web"
			p.Spec.RestartPolicy = corev1.RestartPolicyAlways
			main(p).ReadinessProbe = &corev1.Probe{PeriodSeconds: 1, ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/", Port: intstr.FromInt32(8000)}}}
			create(t, c, p)
			awaitPod(t, c, p.Name, cluster.Ready)
			return p
		}
		first := serve("serve=8000")
		web, err := c.Service(t.Context(), "web", "80")
		if err != nil {
			t.Fatal(err)
		}
		route, err := web.OpenRoute(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		said := &told{}
		var following sync.WaitGroup
		following.Go(func() { route.Follow(ctx, said.tell) })
		defer following.Wait()
		defer cancel()
		client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return route.Dial(ctx) }}}
		ask := func(path string, p *corev1.Pod) {
			t.Helper()
			response, err := client.Get("http://web" + path)
			if err != nil {
				t.Error(err)
				return
			}
			defer response.Body.Close()
			if text, err := io.ReadAll(response.Body); err != nil || strings.TrimSpace(string(text)) != "hello from "+p.Name {
				t.Errorf("it answers %q, %v", text, err)
			}
		}
		for range 3 {
			ask("/", first)
		}
		if response, err := client.Get("http://web/exit"); err == nil { // ends the container
			_ = response.Body.Close()
		}
		said.await(t, "service web has no ready pod (1 in total); trying again")
		ask("/", first)
		said.await(t, "true connected to pod "+first.Name)

		if err := c.Client.CoreV1().Pods(c.Namespace).Delete(t.Context(), first.Name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		second := serve("serve=8000")
		ask("/", second)
		said.await(t, "true connected to pod "+second.Name)
	})
}
