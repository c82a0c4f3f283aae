package report

import "time"

// Job is a job or service of slipway.yaml, and its run.
type Job struct {
	Name   string `json:"name"`
	Action Action `json:"action,omitempty"` // submit, submitted, attach, attached, up-to-date, skip, unknown
	After  string `json:"after,omitempty"`
	Diff   string `json:"diff,omitempty"`
	Run
	// Runs are the runs of a matrix that slipway expanded, sorted by BestBy. Run is their
	// summary then.
	Runs   []Run    `json:"runs,omitempty"`
	BestBy *Ranking `json:"best_by,omitempty"`
	// Requirements are what the job requires of its metrics.
	Requirements []Requirement `json:"requirements,omitempty"`
	// Kept is what the run has left in the bucket.
	Kept *Kept `json:"artifacts,omitempty"`
	// Base is the run of the job to compare with, in a workflow for a pull request.
	Base *Base `json:"base,omitempty"`
}

// Run is a run of Polyaxon.
type Run struct {
	// Number and Params are those of a run of a matrix.
	Number int            `json:"number,omitempty"`
	Params map[string]any `json:"params,omitempty"`

	UUID    string `json:"uuid,omitempty"`
	RunName string `json:"run_name,omitempty"`
	Kind    string `json:"kind,omitempty"`
	Status  string `json:"status,omitempty"`
	// Pending is what the run waits for before it is scheduled, such as approval.
	Pending string     `json:"pending,omitempty"`
	Reason  string     `json:"reason,omitempty"`
	Message string     `json:"message,omitempty"`
	Created *time.Time `json:"created,omitempty"`
	// Times is nil if the command does not report times.
	*Times
	// Age, in seconds since the run was created, and GPUs are set for a run that has not
	// ended. Owner is the user who submitted the run.
	Age   float64 `json:"age_seconds,omitempty"`
	Owner string  `json:"owner,omitempty"`
	GPUs  int     `json:"gpus,omitempty"`
	// Cost is the cost of the run so far, by the prices of slipway.yaml.
	Cost    *Cost              `json:"cost,omitempty"`
	Failure *Failure           `json:"failure,omitempty"`
	Metrics map[string]float64 `json:"metrics,omitempty"`
	// NotFinite are the metrics that are left out because their last value is not a finite number.
	NotFinite []string `json:"not_finite,omitempty"`
	// Unread say where metrics could not be read, and why: the run may have more of them.
	Unread []string `json:"unread,omitempty"`
	// MLflow are the runs of MLflow that the run has made. Their metrics are among Metrics, too, unless
	// Polyaxon has one of the name.
	MLflow  []MLflowRun `json:"mlflow,omitempty"`
	Outputs []string    `json:"outputs,omitempty"`
	// OutputsAt is where the outputs are: a directory of this machine, or the command that
	// downloads them.
	OutputsAt string   `json:"outputs_at,omitempty"`
	LastLines []string `json:"last_lines,omitempty"`
	// LastLinesOf is the container that printed the last lines, or "" for the main one.
	LastLinesOf string            `json:"last_lines_of,omitempty"`
	Address     string            `json:"address,omitempty"` // of a service, or of the run's page
	Inputs      map[string]any    `json:"inputs,omitempty"`
	History     []Transition      `json:"history,omitempty"`
	Tags        []string          `json:"tags,omitempty"`
	Meta        map[string]string `json:"meta,omitempty"`
	// Commit is the commit of the source tree that submitted the run, with -dirty if that had other changes. Gate is
	// what came of what its job requires: met, failed, or pending if nothing has checked it. Only status has them.
	Commit string `json:"commit,omitempty"`
	Gate   string `json:"gate,omitempty"`
}

// MLflowRun is a run of MLflow. Address is that of its page, "" if only the cluster can reach it.
type MLflowRun struct {
	ID         string `json:"run_id"`
	Name       string `json:"name,omitempty"`
	Experiment string `json:"experiment_id"`
	Address    string `json:"address,omitempty"`
	// Nested reports whether the run is a part of another one.
	Nested  bool               `json:"nested,omitempty"`
	Metrics map[string]float64 `json:"metrics,omitempty"`
}

// Times says how a run spent its time, in seconds. A value is nil, and null in JSON, if
// it is unknown. If Pulling is nil, Queued is all the time until the run began.
type Times struct {
	Queued  *float64 `json:"queued_seconds"`
	Pulling *float64 `json:"pulling_seconds"`
	Running *float64 `json:"running_seconds"`
}

// Failure says how the container ended that made a run fail.
type Failure struct {
	Pod       string `json:"pod,omitempty"`
	Container string `json:"container,omitempty"`
	ExitCode  *int   `json:"exit_code,omitempty"`
	OOMKilled bool   `json:"oom_killed,omitempty"`
	Evicted   bool   `json:"evicted,omitempty"`
	Text      string `json:"text"`
}

// Transition is one change of a run's status.
type Transition struct {
	Status  string    `json:"status"`
	Reason  string    `json:"reason,omitempty"`
	Message string    `json:"message,omitempty"`
	Time    time.Time `json:"time"`
}

// Artifact is one file of a run.
type Artifact struct {
	Path  string `json:"path"`
	Bytes int64  `json:"bytes"`
	// Address is that of the file in the bucket, or "" if only Polyaxon has it.
	Address string `json:"address,omitempty"`
	// SavedAs is the path of the downloaded file.
	SavedAs string `json:"saved_as,omitempty"`
}
