package cluster

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	clientcmd "k8s.io/client-go/tools/clientcmd/api"
)

// TestUnreachable asks API servers to which no connection can be made, by two requests.
func TestUnreachable(t *testing.T) {
	handler := http.NotFoundHandler()
	encrypted, plain := httptest.NewTLSServer(handler), httptest.NewServer(handler)
	defer encrypted.Close()
	defer plain.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	down := "https://" + listener.Addr().String()
	_ = listener.Close()
	plugin := &clientcmd.ExecConfig{Command: "no-such-plugin", APIVersion: "client.authentication.k8s.io/v1", InteractiveMode: clientcmd.NeverExecInteractiveMode}
	for name, c := range map[string]struct {
		access       rest.Config
		reason, what string
	}{
		"down":      {rest.Config{Host: down}, "connection refused", "check that it runs"},
		"name":      {rest.Config{Host: "https://api.test", Dial: nameless}, "no such host", "whose DNS knows the name"},
		"authority": {rest.Config{Host: encrypted.URL}, "failed to verify certificate", "must have signed its certificate"},
		"plugin":    {rest.Config{Host: encrypted.URL, ExecProvider: plugin}, "executable no-such-plugin not found", "with cluster.gke in slipway.yaml"},
		"no TLS":    {rest.Config{Host: strings.Replace(plain.URL, "http", "https", 1)}, "not look like a TLS handshake", "is no API server"},
	} {
		t.Run(name, func(t *testing.T) {
			to, err := Connect(&c.access, "ns", "ml")
			if err != nil {
				t.Fatal(err)
			}
			to.Pause = func(context.Context, time.Duration) error { return nil }
			_, versionErr := to.Version(t.Context())
			_, listErr := to.ConfigMaps(t.Context()) // in pages, without retries
			var first, second *UnreachableError
			if !errors.As(versionErr, &first) || !errors.As(to.Explain(listErr), &second) {
				t.Fatalf("it is not told as unreachable: %v, %v", versionErr, listErr)
			}
			if want := "ask cluster ml for its version: " + first.Error(); versionErr.Error() != want {
				t.Errorf("it says %q, want %q", versionErr, want)
			}
			text := first.Error()
			if !strings.HasPrefix(text, "cluster ml at "+c.access.Host+" is not reachable: ") || !strings.Contains(text, c.reason) || !strings.Contains(text, c.what) {
				t.Errorf("it says %q", text)
			}
			if second.Error() != text {
				t.Errorf("another request says %q", second)
			}
		})
	}
}

func nameless(context.Context, string, string) (net.Conn, error) {
	return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "api.test", IsNotFound: true}}
}
