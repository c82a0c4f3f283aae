package runs

import (
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/config"
)

// TestNotFound checks the error for a name that no run has. For a beginning of a UUID that is too
// short to be looked up, it must not say that no UUID begins with it, because one may.
func TestNotFound(t *testing.T) {
	c := &config.Config{Project: "p", Jobs: map[string]*config.Job{"train": {}}, Services: map[string]*config.Job{"api": {}}}
	for name, want := range map[string]string{
		"86b":   "has no run named 86b; the beginning of an id needs at least 4 digits",
		"A":     "at least 4 digits",
		"86b6":  "none whose id begins with it (slipway runs lists them)",
		"tr":    "none whose id begins with it",
		"train": "none whose id begins with it (slipway deploy train runs the job)",
		"api":   "(slipway up api starts the service)",
		"tarin": "(did you mean train? slipway runs lists them)",
	} {
		if err := notFound(c, name); !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
