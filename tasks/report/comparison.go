package report

// Comparison is what differs between the runs A and B.
type Comparison struct {
	A           string          `json:"a"`
	B           string          `json:"b"`
	Differences []RunDifference `json:"differences,omitempty"`
	// Same is how many things are the same.
	Same int `json:"same"`
}

// RunDifference is one difference of two runs. A value is "" if a run has none.
type RunDifference struct {
	Kind string `json:"kind"` // metric, param, run
	Name string `json:"name"`
	A    string `json:"a"`
	B    string `json:"b"`
}
