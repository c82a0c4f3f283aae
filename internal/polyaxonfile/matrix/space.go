package matrix

import (
	"math"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/plain"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/shape"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/template"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/types"
)

// SampleError reports the first value of a hyperparameter that an input does not accept.
type SampleError struct {
	types.ValueError
	// Index is the index of the value in its list, or -1 when it does not come from a list.
	Index int
}

// maxSamples is the number of values of a search space that are checked.
const maxSamples = 200

// CheckSpace checks the values of a hyperparameter against an input: all values of a
// choice, the first 200 of a range or a space, and some that are drawn from a
// distribution. It returns a *SampleError. It ignores a space that is not valid, which is
// reported elsewhere.
func CheckSpace(declared, space map[string]any, version schema.Version) error {
	kind, _ := space["kind"].(string)
	if elements, ok := space["value"].([]any); ok && (kind == "choice" || kind == "pchoice") {
		for i, element := range elements {
			if pair, ok := element.([]any); ok && kind == "pchoice" && len(pair) == 2 {
				element = pair[0]
			}
			if text, isText := element.(string); isText && template.Has(text) {
				continue
			}
			if err := types.Check(declared, element, version); err != nil {
				return &SampleError{ValueError: types.ValueError{Message: err.Error()}, Index: i}
			}
		}
		return nil
	}
	s, err := shape.New(schema.Newest())
	if err != nil {
		return nil //nolint:nilerr // Validate reports tables that cannot be read
	}
	found, here, _ := s.Tables.Union("hp").Find(kind, s.Version)
	if !here {
		return nil
	}
	shaped, err := s.Object(found.Object, plain.Clone(space))
	if err != nil {
		return nil //nolint:nilerr // Validate reports it
	}
	p, err := newHyperparameter(shaped)
	if err != nil {
		return nil //nolint:nilerr // bad-hyperparameter reports it
	}
	for n := range min(p.count, maxSamples) {
		if err := types.Check(declared, p.value(n), version); err != nil {
			return &SampleError{ValueError: types.ValueError{Message: err.Error()}, Index: -1}
		}
	}
	if p.count == 0 {
		d := newGenerator(kind)
		for range 4 {
			value, isNumber := p.draw(d).(float64)
			if isNumber && (math.IsInf(value, 0) || math.IsNaN(value)) {
				continue
			}
			if err := types.Check(declared, value, version); err != nil {
				return &SampleError{ValueError: types.ValueError{Message: err.Error()}, Index: -1}
			}
		}
	}
	return nil
}
