package polyaxonfile

import (
	"math"
	"slices"
)

// CheckValue holds a value against an input or an output as it is declared: its type,
// whether it is a list, and its validation. The error says in a few words what is
// wrong. Templates, and values that another run brings, are no matter for it.
func CheckValue(declared map[string]any, value any, version Version) error {
	list := readIO(map[string]any{"inputs": []any{declared}}, "inputs")
	if len(list) == 0 {
		return nil
	}
	x := list[0]
	x.optional = true // that nothing is given is told elsewhere
	if x.kind != "" && !slices.Contains(ioTypes, x.kind) {
		return nil
	}
	if _, err := x.convertFor(value, version); err != nil {
		return &ValueError{x.why(value, err)}
	}
	return nil
}

// ValueError is a value that its input does not take.
type ValueError struct{ Message string }

// Error gives the message.
func (e *ValueError) Error() string { return e.Message }

// SampleError is the first value of a hyperparameter that an input does not take.
type SampleError struct {
	ValueError
	// Index is which element of its list it is, -1 where it has none.
	Index int
}

// maxSamples is how many values of a search space are looked at.
const maxSamples = 200

// CheckSpace holds the values that a hyperparameter gives its runs against an
// input: all of a choice, and the first ones of a range or a space; a distribution
// gives numbers with a fraction. What is no space is told elsewhere.
func CheckSpace(declared, space map[string]any, version Version) error {
	kind, _ := space["kind"].(string)
	if elements, ok := space["value"].([]any); ok && (kind == "choice" || kind == "pchoice") {
		for i, element := range elements {
			if pair, ok := element.([]any); ok && kind == "pchoice" && len(pair) == 2 {
				element = pair[0]
			}
			if text, isText := element.(string); isText && templated(text) {
				continue
			}
			if err := CheckValue(declared, element, version); err != nil {
				return &SampleError{ValueError{err.Error()}, i}
			}
		}
		return nil
	}
	s, err := newShaper(Newest())
	if err != nil {
		return nil //nolint:nilerr // Validate tells of tables that cannot be read
	}
	found, here, _ := s.tables.Union("hp").Find(kind, s.version)
	if !here {
		return nil
	}
	shaped, err := s.object(found.Object, clone(space))
	if err != nil {
		return nil //nolint:nilerr // Validate tells of it
	}
	p, err := newHyperparameter(shaped)
	if err != nil {
		return nil //nolint:nilerr // bad-hyperparameter tells of it
	}
	for n := range min(p.count, maxSamples) {
		if err := CheckValue(declared, p.value(n), version); err != nil {
			return &SampleError{ValueError{err.Error()}, -1}
		}
	}
	if p.count == 0 {
		d := newDice(kind)
		for range 4 {
			value, isNumber := p.draw(d).(float64)
			if isNumber && (math.IsInf(value, 0) || math.IsNaN(value)) {
				continue
			}
			if err := CheckValue(declared, value, version); err != nil {
				return &SampleError{ValueError{err.Error()}, -1}
			}
		}
	}
	return nil
}

// Compatible tells whether what has one type may be passed to an input of another
// one, from a run to the next: Polyaxon takes the same type, and the types of text
// for each other.
func Compatible(input, output string) bool { return compatible(input, output) }
