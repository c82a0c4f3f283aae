package report

// Requirement is a condition that a metric of a job must meet.
type Requirement struct {
	Metric    string `json:"metric"`
	Condition string `json:"condition"`
	Met       bool   `json:"met"`
	// Value is the value of the run, and Bound what it was compared with. Each is nil without one.
	Value *float64 `json:"value,omitempty"`
	Bound *float64 `json:"bound,omitempty"`
	// Message gives the values, or says why they cannot be compared.
	Message string `json:"message"`
}
