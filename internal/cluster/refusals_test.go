package cluster

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/rest"
)

// TestRefusalsSayWhatToDo has an API server that refuses the credentials, or to forward a port. The
// error keeps its type, and says what to do.
func TestRefusalsSayWhatToDo(t *testing.T) {
	answer := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		code := http.StatusUnauthorized
		if strings.HasSuffix(r.URL.Path, "/portforward") {
			code = http.StatusForbidden
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	c, err := Connect(&rest.Config{Host: server.URL}, "ns", "a")
	if err != nil {
		t.Fatal(err)
	}
	for _, answer = range []string{"", `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"Unauthorized","reason":"Unauthorized","code":401}`} {
		const want = "ask cluster a for namespace ns: Unauthorized: the token or the certificate for this cluster has expired or is wrong (log in to the cluster again"
		if err := c.CheckNamespace(t.Context()); !apierrors.IsUnauthorized(err) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("401 %q: %v", answer, err)
		}
	}
	answer = `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"pods \"a\" is forbidden","reason":"Forbidden","code":403}`
	if _, err := c.OpenTunnel(t.Context(), "a"); !apierrors.IsForbidden(err) || !strings.HasSuffix(err.Error(), "is forbidden (needs permission to create pods/portforward, which slipway doctor prints as a Role)") {
		t.Errorf("403: %v", err)
	}
}
