package matrix

import (
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/operation"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/plain"
)

// Has reports whether the operation has a matrix.
func Has(o *operation.Operation) bool { return matrixOf(o) != nil }

// Params returns the names of the inputs that the operation's matrix varies, sorted.
func Params(o *operation.Operation) []string {
	return plain.Keys(Varied(map[string]any{"matrix": matrixOf(o)}))
}

// Objective returns the metric by which the matrix compares its runs or is stopped early,
// and reports whether it is minimized. The metric is "" when the matrix has none.
func Objective(o *operation.Operation) (metric string, minimize bool) {
	matrix := matrixOf(o)
	if m, ok := matrix["metric"].(map[string]any); ok {
		metric, _ = m["name"].(string)
		return metric, m["optimization"] == "minimize"
	}
	stopping, _ := matrix["earlyStopping"].([]any)
	for _, element := range stopping {
		m, _ := element.(map[string]any)
		if metric, _ = m["metric"].(string); metric != "" {
			return metric, m["optimization"] == "minimize"
		}
	}
	return "", false
}

// matrixOf returns the matrix of the operation, or else that of its component.
func matrixOf(o *operation.Operation) map[string]any {
	if matrix, ok := o.Root()["matrix"].(map[string]any); ok {
		return matrix
	}
	component, _ := o.Root()["component"].(map[string]any)
	matrix, _ := component["matrix"].(map[string]any)
	return matrix
}

// InFile reports whether a file's operation or its component has a matrix.
func InFile(f *file.File) bool {
	component, _ := f.Component()
	return f.Root()["matrix"] != nil || component["matrix"] != nil
}

// Varied returns the names of the inputs that a matrix or joins set.
func Varied(root map[string]any) map[string]bool {
	names := map[string]bool{}
	add := func(value any) {
		m, _ := value.(map[string]any)
		for name := range m {
			names[name] = true
		}
	}
	matrix, _ := root["matrix"].(map[string]any)
	add(matrix["params"])
	values, _ := matrix["values"].([]any)
	for _, value := range values {
		add(value)
	}
	joins, _ := root["joins"].([]any)
	for _, join := range joins {
		m, _ := join.(map[string]any)
		add(m["params"])
	}
	return names
}
