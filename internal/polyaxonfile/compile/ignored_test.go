package compile

import (
	"slices"
	"testing"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
)

func TestIgnoredKeys(t *testing.T) {
	compiled, err := Operation([]byte(`{"version": 1.1, "kind": "operation", "queue": "agent/gpus", "name": "a", "component": {"version": 1.1, "kind": "component", "run": {"kind": "job",
		"environment": {"labels": {"a": "b"}, "nodeSelector": {"pool": "gpu"}, "tolerations": [{"key": "a", "operator": "Exists"}], "affinity": {}, "restartPolicy": "Never"},
		"container": {"image": "a", "command": ["a"], "securityContext": {"runAsUser": 1}}}}}`), schema.Newest())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"container.securityContext", "environment.nodeSelector", "environment.tolerations", "queue"}
	if got := compiled.IgnoredKeys(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
