package polyaxonfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
)

// maxSuggestions bounds how many runs a matrix is expanded into.
const maxSuggestions = 1000

// Suggestion is one run of a matrix: an operation without a matrix, and the params
// that it got from it.
type Suggestion struct {
	Params    map[string]any
	Operation *Operation
}

// Expand gives the runs of an operation's matrix, each once, and how many of them
// may go on at once, 0 for no limit. It knows the matrices whose runs do not depend
// on each other: grid, mapping, and random, whose seed is taken from the operation
// where it has none, so that the same operation always gives the same runs. The
// error names what it does not know, or what is wrong. Without a matrix it gives
// nothing.
func (o *Operation) Expand() (suggestions []Suggestion, concurrency int, err error) {
	root := clone(o.root)
	component := asMap(root["component"])
	holder := root
	if root["matrix"] == nil {
		holder = component
	}
	matrix, ok := holder["matrix"].(map[string]any)
	if !ok {
		return nil, 0, nil
	}
	delete(root, "matrix")
	delete(component, "matrix")
	var rows []map[string]any
	switch kind := matrix["kind"]; kind {
	case "grid":
		rows, err = grid(matrix)
	case "random":
		rows, err = random(matrix, o.JSON())
	case "mapping":
		rows, err = mappings(matrix)
	default:
		err = fmt.Errorf("a matrix of kind %v chooses its next runs by how others ended, which needs a server that takes it", kind)
	}
	if err != nil {
		return nil, 0, err
	}
	seen := map[string]bool{}
	for _, row := range rows {
		text, err := json.Marshal(row)
		if err != nil {
			return nil, 0, err
		}
		if seen[string(text)] {
			continue
		}
		seen[string(text)] = true
		one := clone(root)
		params := asMap(one["params"])
		for name, value := range row {
			params[name] = map[string]any{"value": value}
		}
		one["params"] = params
		suggestions = append(suggestions, Suggestion{Params: row, Operation: &Operation{one}})
	}
	if len(suggestions) == 0 {
		return nil, 0, errors.New("the matrix has no runs")
	}
	limit, _ := amount(matrix["concurrency"])
	return suggestions, int(limit), nil
}

// grid gives the product of all values, the last param by name varying fastest.
func grid(matrix map[string]any) ([]map[string]any, error) {
	rows := []map[string]any{{}}
	params := asMap(matrix["params"])
	for _, name := range sortedKeys(params) {
		values, err := discrete(asMap(params[name]))
		if err != nil {
			return nil, fmt.Errorf("matrix param %s: %w", name, err)
		}
		if len(rows)*len(values) > maxSuggestions {
			return nil, fmt.Errorf("the matrix has more than %d runs", maxSuggestions)
		}
		var longer []map[string]any
		for _, row := range rows {
			for _, value := range values {
				next := clone(row)
				next[name] = value
				longer = append(longer, next)
			}
		}
		rows = longer
	}
	if n, given := amount(matrix["numRuns"]); given && int(n) < len(rows) {
		rows = rows[:max(0, int(n))]
	}
	return rows, nil
}

// random draws numRuns times from all values.
func random(matrix map[string]any, content []byte) ([]map[string]any, error) {
	n, given := amount(matrix["numRuns"])
	if !given || n < 1 || n > maxSuggestions {
		return nil, fmt.Errorf("numRuns of a random matrix is a number from 1 to %d", maxSuggestions)
	}
	seed := fnv.New64a()
	_, _ = seed.Write(content)
	if s, given := amount(matrix["seed"]); given {
		seed.Reset()
		fmt.Fprint(seed, s)
	}
	source := rand.New(rand.NewPCG(seed.Sum64(), 0)) //nolint:gosec // suggestions are to be the same each time
	params := asMap(matrix["params"])
	rows := make([]map[string]any, int(n))
	for i := range rows {
		rows[i] = map[string]any{}
		for _, name := range sortedKeys(params) {
			value, err := draw(asMap(params[name]), source)
			if err != nil {
				return nil, fmt.Errorf("matrix param %s: %w", name, err)
			}
			rows[i][name] = value
		}
	}
	return rows, nil
}

func mappings(matrix map[string]any) ([]map[string]any, error) {
	list, _ := matrix["values"].([]any)
	var rows []map[string]any
	for _, value := range list {
		row, ok := value.(map[string]any)
		if !ok {
			return nil, errors.New("values of a mapping is a list of mappings")
		}
		rows = append(rows, row)
	}
	if len(rows) > maxSuggestions {
		return nil, fmt.Errorf("the matrix has more than %d runs", maxSuggestions)
	}
	return rows, nil
}

// discrete gives the values of a param that has a list of them.
func discrete(p map[string]any) ([]any, error) {
	kind, _ := p["kind"].(string)
	if kind == "choice" {
		if list, ok := p["value"].([]any); ok && len(list) > 0 {
			return list, nil
		}
		return nil, errors.New("a choice needs a list of values")
	}
	names := map[string][]string{"range": {"start", "stop", "step"}, "linspace": {"start", "stop", "num"}, "logspace": {"start", "stop", "num"}, "geomspace": {"start", "stop", "num"}}[kind]
	if names == nil {
		return nil, fmt.Errorf("slipway does not expand a param of kind %q", kind)
	}
	n, err := numbersOf(p["value"], names)
	if err != nil {
		return nil, err
	}
	start, stop, third := n[0], n[1], n[2]
	count := third
	if kind == "range" {
		if third == 0 {
			return nil, errors.New("the step of a range is not 0")
		}
		count = math.Ceil((stop - start) / third)
	}
	if !(count >= 1 && count <= maxSuggestions) { // NaN is neither
		return nil, fmt.Errorf("it has %v values; 1 to %d are expanded", count, maxSuggestions)
	}
	values := make([]any, int(count))
	for i := range values {
		part := 0.0
		if count > 1 {
			part = float64(i) / (count - 1)
		}
		switch kind {
		case "range":
			values[i] = plainNumber(start+float64(i)*third, n)
		case "linspace":
			values[i] = start + part*(stop-start)
		case "logspace":
			values[i] = math.Pow(10, start+part*(stop-start))
		case "geomspace":
			values[i] = start * math.Pow(stop/start, part)
		}
	}
	return values, nil
}

// plainNumber keeps the numbers of a range whole where all that made it are.
func plainNumber(value float64, from []float64) any {
	for _, n := range from {
		if n != math.Trunc(n) {
			return value
		}
	}
	return int(value)
}

// draw gives one value of a param.
func draw(p map[string]any, source *rand.Rand) (any, error) {
	kind, _ := p["kind"].(string)
	base, isQuantized := strings.CutPrefix(kind, "q")
	names := map[string][]string{"uniform": {"low", "high"}, "normal": {"loc", "scale"}}[base]
	switch {
	case kind == "pchoice":
		return weighted(p["value"], source)
	case names == nil:
		values, err := discrete(p)
		if err != nil {
			return nil, err
		}
		return values[source.IntN(len(values))], nil
	}
	if isQuantized {
		names = append(names, "q")
	}
	n, err := numbersOf(p["value"], names)
	if err != nil {
		return nil, err
	}
	value := n[0] + source.Float64()*(n[1]-n[0])
	if base == "normal" {
		value = n[0] + source.NormFloat64()*n[1]
	}
	if isQuantized && n[2] != 0 {
		value = math.Round(value/n[2]) * n[2]
	}
	return value, nil
}

// weighted draws from pairs of a value and its probability.
func weighted(value any, source *rand.Rand) (any, error) {
	list, _ := value.([]any)
	at, sum := source.Float64(), 0.0
	for _, element := range list {
		pair, _ := element.([]any)
		if len(pair) != 2 {
			return nil, errors.New("a pchoice is a list of pairs of a value and its probability")
		}
		p, _ := amount(pair[1])
		if sum += p; at < sum {
			return pair[0], nil
		}
	}
	return nil, errors.New("the probabilities of a pchoice make up 1")
}

// numbersOf reads the numbers of a param: a mapping with these names, a list, or a
// text with colons between.
func numbersOf(value any, names []string) ([]float64, error) {
	var parts []any
	switch x := value.(type) {
	case map[string]any:
		for _, name := range names {
			parts = append(parts, x[name])
		}
	case []any:
		parts = x
	case string:
		for part := range strings.SplitSeq(x, ":") {
			parts = append(parts, part)
		}
	}
	wrong := fmt.Errorf("its value has the numbers %s", strings.Join(names, ", "))
	if len(parts) != len(names) {
		return nil, wrong
	}
	all := make([]float64, len(parts))
	for i, part := range parts {
		n, ok := amount(part)
		if !ok {
			return nil, wrong
		}
		all[i] = n
	}
	return all, nil
}

// amount reads a number.
func amount(value any) (float64, bool) {
	switch x := value.(type) {
	case int:
		return float64(x), true
	case float64:
		return x, !math.IsNaN(x) && !math.IsInf(x, 0)
	case string:
		n, err := strconv.ParseFloat(strings.TrimSpace(x), 64)
		return n, err == nil && !math.IsNaN(n) && !math.IsInf(n, 0)
	}
	return 0, false
}
