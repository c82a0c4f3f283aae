package types

import (
	"slices"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
)

// Check holds a value against an input or an output as it is declared: its type,
// whether it is a list, and its validation. The error says in a few words what is
// wrong. Templates, and values that another run brings, are no matter for it.
func Check(declared map[string]any, value any, version schema.Version) error {
	list := ReadIO(map[string]any{"inputs": []any{declared}}, "inputs")
	if len(list) == 0 {
		return nil
	}
	x := list[0]
	x.Optional = true // that nothing is given is told elsewhere
	if x.Kind != "" && !slices.Contains(Names(schema.Version{}), x.Kind) {
		return nil
	}
	if _, err := x.ConvertFor(value, version); err != nil {
		return &ValueError{x.Why(value, err)}
	}
	return nil
}

// ValueError is a value that its input does not take.
type ValueError struct{ Message string }

// Error gives the message.
func (e *ValueError) Error() string { return e.Message }
