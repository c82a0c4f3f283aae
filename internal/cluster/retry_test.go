package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/sandbox/kubernetes"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/internal/testenv"
)

// TestSyncThroughFaults syncs secrets with a fault at each request in turn. The secrets
// must be written as without a fault.
func TestSyncThroughFaults(t *testing.T) {
	bundle := secret.Opaque("new", map[string]secret.Value{"key": secret.NewValue([]byte("value"))})
	old := secret.Opaque("old", nil)
	bundle.Project, old.Project = "p", "p"
	for _, fault := range testenv.AllFaults() {
		if fault == testenv.Refuse405 {
			continue // not a temporary error of Kubernetes
		}
		requests := 1
		for k := 0; k <= requests; k++ { // the first pass has no fault and counts the requests
			api, err := kubernetes.New(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			faults := &testenv.Faults{}
			c, err := cluster.Connect(&rest.Config{Host: faults.Serve(t, api)}, "team", "test")
			if err != nil {
				t.Fatal(err)
			}
			sync := func(b secret.Bundle, prune bool) error {
				if err := c.EnsureNamespace(t.Context()); err != nil {
					return err
				}
				_, err := secret.Sync(t.Context(), c.Secrets(), secret.Wanted{Project: "p", Bundles: []secret.Bundle{b}, Prune: prune})
				return err
			}
			faults.Spoil(k, fault)
			c.Pause = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
			if err := errors.Join(sync(old, false), sync(bundle, true)); err != nil {
				t.Errorf("%s at request %d: %v", fault, k, err)
			}
			if k == 0 {
				requests = faults.Count()
			}
			stored, err := c.Secrets().List(t.Context())
			if err != nil || len(stored) != 1 || stored[0].Name != "new" || string(stored[0].Data["key"].Reveal()) != "value" {
				t.Errorf("%s at request %d: the namespace has %+v, %v", fault, k, stored, err)
			}
		}
		if requests < 6 {
			t.Errorf("only %d requests were spoilt", requests)
		}
	}
}

// TestRetryEnds uses a server that never recovers, one that rejects a request, and a
// context that is canceled.
func TestRetryEnds(t *testing.T) {
	for name, test := range map[string]struct {
		code      int
		interrupt bool
		want      int32
	}{
		"a lasting failure": {http.StatusInternalServerError, false, 5},
		"a refusal":         {http.StatusForbidden, false, 1},
		"an interrupt":      {http.StatusServiceUnavailable, true, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int32
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				asked.Add(1)
				if test.interrupt {
					cancel()
				}
				w.WriteHeader(test.code)
				fmt.Fprint(w, "no")
			}))
			defer server.Close()
			c, err := cluster.Connect(&rest.Config{Host: server.URL}, "team", "test")
			if err != nil {
				t.Fatal(err)
			}
			c.Pause = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
			if _, err := c.Secrets().List(ctx); err == nil || asked.Load() != test.want {
				t.Errorf("%v after %d requests, want %d", err, asked.Load(), test.want)
			}
		})
	}
}
