package cluster

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"

	"github.com/slipway-ci/slipway/internal/timeouts"
)

// An API server that accepts the connection and never responds is an error, without a
// retry. A followed log may be silent for any time.
func TestSilentServer(t *testing.T) {
	was := limits
	limits.Response, limits.Chunk = 50*time.Millisecond, 50*time.Millisecond
	defer func() { limits = was }()
	over := make(chan struct{})
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("follow") == "true" {
			_ = http.NewResponseController(w).Flush()
			time.Sleep(200 * time.Millisecond)
			_, _ = io.WriteString(w, "the last line")
			return
		}
		asked.Add(1)
		<-over
	}))
	defer server.Close()
	defer close(over)
	c, err := Connect(&rest.Config{Host: server.URL}, "ml", "test")
	if err != nil {
		t.Fatal(err)
	}
	c.Pause = func(context.Context, time.Duration) error { return errors.New("it is tried again") }
	silent := new(timeouts.Error)
	if err := c.EnsureNamespace(t.Context()); !errors.As(err, &silent) || asked.Load() != 1 {
		t.Errorf("after %d requests: %v", asked.Load(), err)
	}
	log, err := c.PodLog(t.Context(), "pod", &corev1.PodLogOptions{Follow: true, Container: "main"})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if text, err := io.ReadAll(log); string(text) != "the last line" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := c.DialPod(t.Context(), "pod", 80); !errors.As(err, &silent) {
		t.Errorf("to forward a port: %v", err)
	}
}
