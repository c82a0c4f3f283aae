package cluster_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

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
