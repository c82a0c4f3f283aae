package report

// Check is one thing that doctor has checked.
type Check struct {
	// System is git, registry, cluster, polyaxon, google, mlflow, secrets, clock, disk,
	// builder or sandbox.
	System  string  `json:"system"`
	What    string  `json:"what"`
	Outcome Outcome `json:"outcome"`
	Detail  string  `json:"detail,omitempty"`
	// Advice says what to do, where Detail does not.
	Advice string `json:"advice,omitempty"`
	// Manifest has Kubernetes objects, as YAML, that give the rights that are missing.
	Manifest string `json:"manifest,omitempty"`
}

// Outcome is how a Check ended.
type Outcome string

// The outcomes. A deploy works despite a warning, and despite what is not visible.
const (
	CheckOK      Outcome = "ok"
	CheckWarning Outcome = "warning"
	CheckFailed  Outcome = "failed"
	CheckSlow    Outcome = "slow" // there was no answer in time
	CheckHidden  Outcome = "not visible"
)
