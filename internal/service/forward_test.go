package service

import (
	"errors"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/polyaxon"
)

// TestFaultOfForwarding has the way to a service panic, which a transport goes: the
// forwarding ends with the fault.
func TestFaultOfForwarding(t *testing.T) {
	ctx, end := panics.Until(t.Context())
	defer end(nil)
	f := &forwarding{ctx: ctx}
	r := &polyaxon.Run{Name: "api", Content: `{"run": {"ports": [8080]}}`}
	_, err := f.dial(&Service{Platform: &platform.Platform{}}, r) // a cluster that is not there
	for _, err := range []error{err, panics.Fault(ctx)} {
		if fault := new(panics.Error); !errors.As(err, &fault) || !strings.HasPrefix(err.Error(), "the way to service api: this is a fault") {
			t.Errorf("it ends with %v", err)
		}
	}
}
