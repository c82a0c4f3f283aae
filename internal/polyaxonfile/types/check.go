package types

import (
	"slices"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
)

// Check checks a value against the declaration of an input or an output: its type,
// whether it is a list, and its validation. It returns a *ValueError that says in a few
// words what is wrong. It does not handle templates, nor values that another run
// provides.
func Check(declared map[string]any, value any, version schema.Version) error {
	list := ReadIO(map[string]any{"inputs": []any{declared}}, "inputs")
	if len(list) == 0 {
		return nil
	}
	x := list[0]
	x.Optional = true // a missing value is reported elsewhere
	if x.Kind != "" && !slices.Contains(Names(schema.Version{}), x.Kind) {
		return nil
	}
	if _, err := x.ConvertFor(value, version); err != nil {
		return &ValueError{x.Explain(value, err)}
	}
	return nil
}

// ValueError reports that an input does not accept a value.
type ValueError struct{ Message string }

// Error returns the message.
func (e *ValueError) Error() string { return e.Message }
