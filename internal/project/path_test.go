package project

import (
	"strings"
	"testing"
)

// TestNoCheckout names the line that a workflow without a checkout lacks.
func TestNoCheckout(t *testing.T) {
	empty := t.TempDir()
	for workspace, want := range map[string]string{empty: "- uses: actions/checkout@v5", "": "slipway init writes one", ".": "slipway init writes one", "nowhere": "slipway init writes one"} {
		e := &Env{Dir: empty, Lookup: func(name string) (string, bool) {
			return map[string]string{"GITHUB_WORKSPACE": workspace}[name], true
		}}
		if _, err := e.configPath(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", workspace, err)
		}
	}
}
