// Package matrix expands a matrix into its runs, and determines when the remaining ones
// are stopped early.
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

// maxSuggestions is the maximum number of runs of a matrix.
const maxSuggestions = 1000

// Expansion is an expanded matrix. Suggestions are its runs, in order.
type Expansion struct {
	Suggestions []Suggestion
	// Concurrency is the maximum number of runs at a time, or 0 for no limit.
	Concurrency int
	// Stopping are the conditions under which the remaining runs are stopped.
	Stopping []EarlyStopping
}

// Suggestion is one run of a matrix: an operation without a matrix, and the params that
// the matrix gave to it.
type Suggestion struct {
	Params    map[string]any
	Operation *operation.Operation
	// Repeat is the number of earlier suggestions that have the same params. A choice of [1, 1]
	// yields two runs, as it does in Polyaxon.
	Repeat int
}

// Error reports a matrix that cannot be expanded.
type Error struct {
	// Path leads from the matrix to the cause.
	Path    []string
	Message string
}

// Error returns the path, if there is one, and the message.
func (e *Error) Error() string {
	return strings.Join(append([]string{"matrix"}, e.Path...), ".") + ": " + e.Message
}

func matrixErrorf(path []string, format string, args ...any) error {
	return &Error{slices.Clone(path), fmt.Sprintf(format, args...)}
}

// Expand returns the runs of an operation's matrix, as Polyaxon 2.18 creates them. It
// returns nil when there is no matrix. Its errors are *Error.
//
// It supports the kinds of matrix whose runs do not depend on each other: grid, mapping
// and random. A random matrix without a seed is seeded with its params. So the same
// matrix always yields the same runs, and one with more runs begins with the same ones.
// The random numbers are slipway's own and the same on every machine; they are not those
// that Polyaxon draws for the seed.
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
	if err := checkRows(rows, matrix, types.ReadIO(component, "inputs")); err != nil {
		return nil, err
	}
	if expansion.Concurrency, err = positiveInt(matrix, "concurrency"); err != nil {
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

// shapedMatrix converts a matrix to the form in which the newest Polyaxon stores it. It
// returns an *Error for a kind that slipway cannot expand.
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
	if wrong, ok := err.(*shape.ValidationError); ok { //nolint:errorlint // never wrapped
		return nil, matrixErrorf(wrong.Path, "Polyaxon does not accept it: %s", wrong.Message)
	}
	return shaped, err
}

// grid returns the product of all values, in the order of the params' names, which is the
// order in which operations are sent. The last param varies fastest. numRuns limits the
// number of rows.
func grid(matrix map[string]any) ([]map[string]any, error) {
	names, params, size, err := hyperparameters(matrix)
	if err != nil {
		return nil, err
	}
	for n, p := range params {
		if p.count == 0 {
			return nil, matrixErrorf([]string{"params", names[n], "kind"}, "a grid cannot enumerate a distribution; use a random matrix")
		}
	}
	n, err := positiveInt(matrix, "numRuns")
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

// drawsPerRun limits the number of draws in which a random matrix looks for a new row,
// for each of its runs.
const drawsPerRun = 1000

// random draws numRuns different rows, or fewer if there are not so many.
func random(matrix map[string]any) ([]map[string]any, error) {
	names, params, size, err := hyperparameters(matrix)
	if err != nil {
		return nil, err
	}
	n, err := positiveInt(matrix, "numRuns")
	if err != nil {
		return nil, err
	}
	if n > maxSuggestions {
		return nil, tooMany([]string{"numRuns"}, float64(n))
	}
	n = int(math.Min(float64(n), size))
	d := newGenerator(python.JSON(matrix["params"]))
	if seed := matrix["seed"]; seed != nil {
		d = newGenerator(python.JSON(seed))
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

// mapping returns the rows that the matrix lists.
func mapping(matrix map[string]any) ([]map[string]any, error) {
	list, ok := matrix["values"].([]any)
	if !ok {
		return nil, matrixErrorf([]string{"values"}, "slipway can only expand a list, not a reference")
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

// checkRows checks the params of each run against the types of their inputs.
func checkRows(rows []map[string]any, matrix map[string]any, inputs []types.IO) error {
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
				return matrixErrorf(path, "%s of run %d: %s", x.Name, i+1, x.Explain(value, err))
			}
		}
	}
	return nil
}

// hyperparameters returns the params of a matrix, sorted by name, and the number of runs,
// which is infinite with a distribution.
func hyperparameters(matrix map[string]any) (names []string, params []hyperparameter, size float64, err error) {
	all, ok := matrix["params"].(map[string]any)
	if !ok {
		return nil, nil, 0, matrixErrorf([]string{"params"}, "slipway can only expand params, not a reference")
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

// positiveInt returns an integer above 0, or 0 when the key is missing. It returns an *Error
// for any other value.
func positiveInt(m map[string]any, key string) (int, error) {
	switch n := m[key].(type) {
	case nil:
		return 0, nil
	case int:
		if n >= 1 {
			return n, nil
		}
	}
	return 0, matrixErrorf([]string{key}, "slipway can only expand a matrix whose %s is a whole number, 1 or more", key)
}

func tooMany(path []string, n float64) error {
	return matrixErrorf(path, "%.0f runs are more than the limit of %d; use numRuns to limit them", n, maxSuggestions)
}
