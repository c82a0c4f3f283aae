package polyaxonfile

// HasMatrix tells whether the operation has a matrix.
func (o *Operation) HasMatrix() bool { return o.matrix() != nil }

// MatrixParams gives the names of the inputs that the operation's matrix varies, sorted.
func (o *Operation) MatrixParams() []string {
	return sortedKeys(matrixNames(map[string]any{"matrix": o.matrix()}))
}

// Objective gives the metric by which the matrix compares its runs, or is stopped
// early, "" where it has none.
func (o *Operation) Objective() (metric string, minimize bool) {
	matrix := o.matrix()
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

// matrix gives the operation's own matrix, or its component's.
func (o *Operation) matrix() map[string]any {
	if matrix, ok := o.root["matrix"].(map[string]any); ok {
		return matrix
	}
	component, _ := o.root["component"].(map[string]any)
	matrix, _ := component["matrix"].(map[string]any)
	return matrix
}
