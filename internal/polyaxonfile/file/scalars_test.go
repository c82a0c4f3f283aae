package file_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/check"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/types"
)

func TestScalarsOfYAML11(t *testing.T) {
	// The expected values are those of PyYAML 6, which Polyaxon uses.
	for text, want := range map[string]any{
		"yes": true, "off": false, "1e3": "1e3", "1.0e+3": 1000.0, "1:30": 90, "0o10": "0o10", "010": 8, "0x1f": 31, "1_000": 1000,
		"~": nil, "2026-11-23": "2026-11-23", ".5": 0.5, "y": "y", "'1'": "1", "-3": -3, "007": 7, "08": "08",
	} {
		f, err := check.Parse("f.yml", []byte("version: 1.1\nkind: component\ncost: 1\nname: n\ninputs: [{name: x, value: "+text+"}]\nrun: {kind: job}\n"))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if diff := cmp.Diff(want, types.ReadIO(f.Root(), "inputs")[0].Value); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}
