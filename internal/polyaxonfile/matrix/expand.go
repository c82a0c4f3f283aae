// Package matrix takes matrices apart: the runs that one makes, and when the rest of them
// is not wanted any more.
package matrix

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/operation"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/plain"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/shape"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/types"
)

// maxSuggestions bounds how many runs a matrix is expanded into.
const maxSuggestions = 1000

// Expansion is a matrix taken apart.
type Expansion struct {
	Suggestions []Suggestion
	// Concurrency is how many of them may go on at once, 0 for no limit.
	Concurrency int
	// Stopping says when the rest of them is not wanted any more.
	Stopping []EarlyStopping
}

// Suggestion is one run of a matrix: an operation without a matrix, and the params
// that it got from it.
type Suggestion struct {
	Params    map[string]any
	Operation *operation.Operation
	// Repeat counts the suggestions before this one that have the same params: a
	// choice of [1, 1] is two runs, as Polyaxon has it.
	Repeat int
}

// Error is a matrix that cannot be expanded.
type Error struct {
	// Path leads from the matrix to what is to blame.
	Path    []string
	Message string
}

// Error gives the path, where there is one, and the message.
func (e *Error) Error() string {
	return strings.Join(append([]string{"matrix"}, e.Path...), ".") + ": " + e.Message
}

func matrixErrorf(path []string, format string, args ...any) error {
	return &Error{slices.Clone(path), fmt.Sprintf(format, args...)}
}

// Expand gives the runs of an operation's matrix, as Polyaxon 2.18 makes them. It
// knows the matrices whose runs do not depend on each other: grid, mapping, and
// random, whose seed is taken from its params where it has none, so that the same
// matrix always gives the same runs, and more runs of it begin with the same ones.
// The numbers that random draws are slipway's own, the same on every machine, and
// not those that Polyaxon draws for the seed.
//
// Errors are *MatrixError. Without a matrix it gives nil.
func Expand(o *operation.Operation) (*Expansion, error) {
	root := plain.Clone(o.Root())
	component := plain.Map(root["component"])
	holder := root
	if root["matrix"] == nil {
		holder = component
	}
	matrix, ok := holder["matrix"].(map[string]any)
	if !ok {
		return nil, nil
	}
	delete(root, "matrix")
	delete(component, "matrix")
	matrix, err := shapedMatrix(matrix)
	if err != nil {
		return nil, err
	}
	expand := map[string]func(map[string]any) ([]map[string]any, error){"grid": grid, "random": random, "mapping": mapping}
	rows, err := expand[matrix["kind"].(string)](matrix)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, matrixErrorf(nil, "it has no runs")
	}
	expansion := &Expansion{}
	if err := fitting(rows, matrix, types.ReadIO(component, "inputs")); err != nil {
		return nil, err
	}
	if expansion.Concurrency, err = whole(matrix, "concurrency"); err != nil {
		return nil, err
	}
	if expansion.Stopping, err = earlyStopping(matrix); err != nil {
		return nil, err
	}
	seen := map[string]int{}
	for _, row := range rows {
		one := plain.Clone(root)
		params := plain.Map(one["params"])
		for name, value := range row {
			params[name] = map[string]any{"value": value}
		}
		one["params"] = params
		text := python.JSON(row)
		expansion.Suggestions = append(expansion.Suggestions, Suggestion{row, operation.New(one), seen[text]})
		seen[text]++
	}
	return expansion, nil
}

// shapedMatrix gives a matrix whose values have one form: that in which the newest
// Polyaxon keeps them.
func shapedMatrix(matrix map[string]any) (map[string]any, error) {
	name, _ := matrix["kind"].(string)
	if !slices.Contains([]string{"grid", "random", "mapping"}, name) {
		return nil, matrixErrorf([]string{"kind"}, "slipway cannot expand %s, which chooses its next runs by how others ended: that needs a server that takes a matrix", name)
	}
	s, err := shape.New(schema.Newest())
	if err != nil {
		return nil, err
	}
	kind, _, _ := s.Tables.Union("matrix").Find(name, s.Version)
	shaped, err := s.Object(kind.Object, matrix)
	if wrong, ok := err.(*shape.Misfit); ok { //nolint:errorlint // never wrapped
		return nil, matrixErrorf(wrong.Path, "Polyaxon does not take it: %s", wrong.What)
	}
	return shaped, err
}

// grid gives the product of all values in the order of the params' names, in which
// operations are sent; the last varies fastest. numRuns keeps the first of them.
func grid(matrix map[string]any) ([]map[string]any, error) {
	names, params, size, err := hyperparameters(matrix)
	if err != nil {
		return nil, err
	}
	for n, p := range params {
		if p.count == 0 {
			return nil, matrixErrorf([]string{"params", names[n], "kind"}, "a grid cannot go through a distribution; a random matrix draws from it")
		}
	}
	n, err := whole(matrix, "numRuns")
	if err != nil {
		return nil, err
	}
	if n == 0 || size < float64(n) {
		if size > maxSuggestions {
			return nil, tooMany(nil, size)
		}
		n = int(size)
	}
	if n > maxSuggestions {
		return nil, tooMany([]string{"numRuns"}, float64(n))
	}
	rows := make([]map[string]any, n)
	for i := range rows {
		rows[i] = map[string]any{}
		at := i
		for k := len(names) - 1; k >= 0; k-- {
			rows[i][names[k]] = params[k].value(at % params[k].count)
			at /= params[k].count
		}
	}
	return rows, nil
}

// drawsPerRun bounds how often a random matrix looks for a run that it does not
// have yet.
const drawsPerRun = 1000

// random draws numRuns runs that differ, or as many as there are.
func random(matrix map[string]any) ([]map[string]any, error) {
	names, params, size, err := hyperparameters(matrix)
	if err != nil {
		return nil, err
	}
	n, err := whole(matrix, "numRuns")
	if err != nil {
		return nil, err
	}
	if n > maxSuggestions {
		return nil, tooMany([]string{"numRuns"}, float64(n))
	}
	n = int(math.Min(float64(n), size))
	d := newDice(python.JSON(matrix["params"]))
	if seed := matrix["seed"]; seed != nil {
		d = newDice(python.JSON(seed))
	}
	var rows []map[string]any
	seen := map[string]bool{}
	for draws := n * drawsPerRun; draws > 0 && len(rows) < n; draws-- {
		row := map[string]any{}
		for k, name := range names {
			row[name] = params[k].draw(d)
		}
		if text := python.JSON(row); !seen[text] {
			seen[text] = true
			rows = append(rows, row)
		}
	}
	return rows, nil
}

// mapping gives the rows that it has.
func mapping(matrix map[string]any) ([]map[string]any, error) {
	list, ok := matrix["values"].([]any)
	if !ok {
		return nil, matrixErrorf([]string{"values"}, "slipway expands a list, and no reference")
	}
	if len(list) > maxSuggestions {
		return nil, tooMany([]string{"values"}, float64(len(list)))
	}
	rows := make([]map[string]any, len(list))
	for i, value := range list {
		rows[i], _ = value.(map[string]any)
	}
	return rows, nil
}

// fitting holds what a matrix gives its runs against the types of their inputs.
func fitting(rows []map[string]any, matrix map[string]any, inputs []types.IO) error {
	for i, row := range rows {
		for _, x := range inputs {
			value, given := row[x.Name]
			if text, _ := value.(string); !given || strings.Contains(text, "{{") {
				continue
			}
			if _, err := x.Convert(value); err != nil {
				path := []string{"params", x.Name, "value"}
				if matrix["kind"] == "mapping" {
					path = []string{"values", strconv.Itoa(i), x.Name}
				}
				return matrixErrorf(path, "%s of run %d: %s", x.Name, i+1, x.Why(value, err))
			}
		}
	}
	return nil
}

// hyperparameters reads the params of a matrix, by name, and how many runs they
// make: infinitely many with a distribution.
func hyperparameters(matrix map[string]any) (names []string, params []hyperparameter, size float64, err error) {
	all, ok := matrix["params"].(map[string]any)
	if !ok {
		return nil, nil, 0, matrixErrorf([]string{"params"}, "slipway expands params, and no reference")
	}
	size = 1
	names = plain.Keys(all)
	for _, name := range names {
		p, err := newHyperparameter(plain.Map(all[name]))
		if err != nil {
			return nil, nil, 0, matrixErrorf([]string{"params", name, "value"}, "%v", err)
		}
		params = append(params, p)
		if p.count == 0 {
			size = math.Inf(1)
		}
		size *= math.Max(float64(p.count), 1)
	}
	return names, params, size, nil
}

// whole gives a whole number from 1 on, 0 when there is none.
func whole(m map[string]any, key string) (int, error) {
	switch n := m[key].(type) {
	case nil:
		return 0, nil
	case int:
		if n >= 1 {
			return n, nil
		}
	}
	return 0, matrixErrorf([]string{key}, "slipway expands a matrix whose %s is a number from 1 on", key)
}

func tooMany(path []string, n float64) error {
	return matrixErrorf(path, "%.0f runs are more than the %d that slipway expands; numRuns bounds them", n, maxSuggestions)
}
