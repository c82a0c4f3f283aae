package exit

import "strings"

// GateError says that the metrics of a run that succeeded do not meet what its job requires.
type GateError struct {
	Job, UUID string
	// Failed are the conditions that are not met, and why.
	Failed []string
}

// Error names the run and the conditions that it does not meet.
func (e *GateError) Error() string {
	return "job " + e.Job + ": run " + e.UUID + " does not meet what the job requires:\n  " + strings.Join(e.Failed, "\n  ")
}
