package service

import (
	"errors"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/polyaxon"
)

// TestPanicInForwarding checks that a panic while dialing the service ends the forwarding
// with that fault.
func TestPanicInForwarding(t *testing.T) {
	ctx, end := panics.WithCancelOnPanic(t.Context())
	defer end(nil)
	f := &forwarding{ctx: ctx}
	r := &polyaxon.Run{Name: "api", Content: `{"run": {"ports": [8080]}}`}
	_, err := f.dial(ctx, &Service{Platform: &platform.Platform{}}, r) // there is no cluster, so dialing panics
	for _, err := range []error{err, panics.Cause(ctx)} {
		if fault := new(panics.Error); !errors.As(err, &fault) || !strings.HasPrefix(err.Error(), "the connection to service api: this is a bug") {
			t.Errorf("it ends with %v", err)
		}
	}
}
