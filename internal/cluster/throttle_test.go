package cluster_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/client-go/rest"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/sandbox/kubernetes"
	"github.com/slipway-ci/slipway/internal/secret"
)

// TestThrottledWrites has the writes of secrets refused for a while, in the two ways in which an
// API server and what is before it refuse them. The next attempt is not earlier than the server
// asks for, and not days later.
func TestThrottledWrites(t *testing.T) {
	status := `{"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "the server is too busy", "reason": "%s", "code": %d}`
	for name, c := range map[string]struct {
		code   int
		body   string
		after  string
		always bool
		// least and most are how long the sync takes.
		least, most time.Duration
	}{
		"a busy server":           {http.StatusTooManyRequests, "Too many requests, please try again later.\n", "7", false, 14 * time.Second, 15 * time.Second},
		"a status":                {http.StatusTooManyRequests, fmt.Sprintf(status, "TooManyRequests", 429), "7", false, 14 * time.Second, 15 * time.Second},
		"a gateway":               {http.StatusServiceUnavailable, "<html>503</html>", "7", false, 14 * time.Second, 15 * time.Second},
		"no time":                 {http.StatusTooManyRequests, "", "", false, 200 * time.Millisecond, time.Second},
		"a date":                  {http.StatusServiceUnavailable, fmt.Sprintf(status, "ServiceUnavailable", 503), "Fri, 31 Dec 1999 23:59:59 GMT", false, 200 * time.Millisecond, time.Second},
		"a day":                   {http.StatusTooManyRequests, "", "86400", false, 20 * time.Second, 21 * time.Second},
		"always":                  {http.StatusTooManyRequests, "", "1", true, 10 * time.Second, 45 * time.Second},
		"always, with a day":      {http.StatusServiceUnavailable, "", "86400", true, 10 * time.Second, 2 * time.Minute},
		"always, without a time":  {http.StatusServiceUnavailable, "", "", true, time.Second, 2 * time.Second},
		"always, and no time yet": {http.StatusTooManyRequests, "", "0", true, time.Second, 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api, err := kubernetes.New(t.TempDir(), "team")
				if err != nil {
					t.Fatal(err)
				}
				refused := map[string]bool{}
				store, err := cluster.Connect(&rest.Config{Host: "http://api.test", Transport: inMemory{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					write := r.Method + " " + r.URL.Path
					if r.Method == http.MethodGet || refused[write] && !c.always {
						api.ServeHTTP(w, r)
						return
					}
					refused[write] = true
					if c.after != "" {
						w.Header().Set("Retry-After", c.after)
					}
					if strings.HasPrefix(c.body, "{") {
						w.Header().Set("Content-Type", "application/json")
					}
					w.WriteHeader(c.code)
					fmt.Fprint(w, c.body)
				})}}, "team", "test")
				if err != nil {
					t.Fatal(err)
				}
				bundles := []secret.Bundle{secret.Opaque("a", nil), secret.Opaque("b", nil)}
				begun := time.Now()
				_, err = secret.Sync(t.Context(), store.Secrets(), secret.Wanted{Bundles: bundles})
				if took := time.Since(begun); (err != nil) != c.always || took < c.least || took > c.most {
					t.Errorf("it took %s: %v", took, err)
				}
				if err != nil && !strings.Contains(err.Error(), "apply secret a in namespace team of cluster test: ") {
					t.Error(err)
				}
			})
		})
	}
}

// inMemory is a transport that calls a handler for each request.
type inMemory struct{ handler http.Handler }

// RoundTrip implements http.RoundTripper.
func (m inMemory) RoundTrip(r *http.Request) (*http.Response, error) {
	received := r.Clone(r.Context())
	if received.Body == nil {
		received.Body = http.NoBody
	}
	recorder := httptest.NewRecorder()
	m.handler.ServeHTTP(recorder, received)
	response := recorder.Result()
	response.Request = r
	return response, nil
}
