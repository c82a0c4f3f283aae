package check

import (
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
)

// grid checks that the matrix contains no distributions: a grid goes through all values,
// and a distribution has no list of values.
func (v *validator) grid(m map[string]any, p *file.Place) {
	params, _ := m["params"].(map[string]any)
	path, at := v.child(p, "params")
	for _, name := range orderedKeys(params, at) {
		hp, _ := params[name].(map[string]any)
		kind, _ := hp["kind"].(string)
		if strings.HasSuffix(kind, "uniform") || strings.HasSuffix(kind, "normal") || kind == "pchoice" {
			where := append(slices.Clone(path), name, "kind")
			v.fail("grid-of-distribution", v.file.At(where...), where, "use matrix kind random, or choice, range, linspace, logspace, geomspace", "a grid cannot enumerate %s", kind)
		}
	}
}

// utility checks the parameter that the acquisition function needs.
func (v *validator) utility(m map[string]any) {
	function, _ := m["acquisitionFunction"].(string)
	want := "eps"
	switch strings.ToLower(function) {
	case "", "ucb":
		function, want = "ucb", "kappa"
	}
	if m[want] == nil {
		v.fail("missing-key", v.file.At(v.path...), v.path, "", "the acquisition function %s needs %s", function, want)
	}
}
