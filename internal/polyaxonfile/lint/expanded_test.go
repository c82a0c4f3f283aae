package lint

import (
	"testing"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
)

// TestExpanded checks that no release is said to refuse a matrix whose runs slipway makes itself.
func TestExpanded(t *testing.T) {
	const text = "version: 1.1\nkind: component\ninputs: [{name: C, type: float}]\nmatrix:\n  kind: grid\n  params:\n    C: {kind: choice, value: [1, 2]}\n" +
		"run: {kind: job, container: {image: x, command: [echo, \"{{ C }}\"]}}\n"
	f, _ := file.Load("f.yml", []byte(text))
	for _, expanded := range []bool{false, true} {
		newer := false
		for _, found := range Check(t.Context(), f, Options{Versions: []schema.Version{{Major: 1, Minor: 11, Patch: 3}}, Expanded: expanded}) {
			newer = newer || found.Rule == "newer-key"
		}
		if newer == expanded {
			t.Errorf("expanded %t: newer-key %t", expanded, newer)
		}
	}
}
