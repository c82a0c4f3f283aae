package pipeline

import (
	"slices"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/internal/runs"
	"github.com/slipway-ci/slipway/tasks/report"
)

// Action says how a job got its run.
type Action int

// The actions, in ascending order: the action of a matrix is the highest action of its runs.
const (
	// None means that an error came first.
	None Action = iota
	// Skipped means that no run was submitted.
	Skipped
	// UpToDate means that a run with the same inputs has succeeded.
	UpToDate
	// Attached means that a run with the same inputs is active.
	Attached
	// Submitted means that a new run was submitted.
	Submitted
)

// String returns the name of the action in reports, "" for None.
func (a Action) String() string {
	return string([...]report.Action{None: "", Skipped: report.ActionSkip, UpToDate: report.ActionUpToDate, Attached: report.ActionAttached, Submitted: report.ActionSubmitted}[a])
}

func actionOf(how run.How) Action {
	return map[run.How]Action{run.Created: Submitted, run.Attached: Attached, run.UpToDate: UpToDate}[how]
}

// JobResult is the result of a job, or of one run of its matrix.
type JobResult struct {
	Name   string
	After  []string
	Action Action
	// Status is the status of the run, or the combined status of the runs of the matrix. It is
	// UpstreamFailed for a job that was not submitted because its upstream did not succeed, and
	// "" if there is no run.
	Status polyaxon.Status
	// Message adds what Status does not say.
	Message string
	// Runs are the runs of a matrix.
	Runs []report.Run
	// BestBy is the metric by which the runs of a matrix are sorted.
	BestBy *report.Ranking

	described report.Run
	// ended is when the run ended, zero for a matrix that slipway expanded.
	ended time.Time
	// requirements are what the job requires of its metrics. gateFailed reports whether the run does
	// not meet them, so that nothing may come after it.
	requirements []report.Requirement
	gateFailed   bool
	// unjudged reports whether that is not known, since its metrics could not be read.
	unjudged bool
	// marked reports whether the run was marked with what came of a gate, or waits for that.
	marked bool
	// kept is what was copied to the bucket. incomplete reports whether the run has not left all that its
	// job's artifacts name, so that nothing may come after it.
	kept       *report.Kept
	incomplete bool
	// succeeded are the UUIDs of the runs of an expanded matrix that succeeded, sorted.
	succeeded []string
}

// UUID returns the UUID of the run, "" if there is none.
func (e JobResult) UUID() string { return e.described.UUID }

// Metrics returns the metrics of the run.
func (e JobResult) Metrics() map[string]float64 { return e.described.Metrics }

// Identity returns the UUID of the job's run. For a matrix that slipway expanded, it returns
// the sorted UUIDs of the runs that succeeded, separated by commas. It is part of the deploy
// keys of downstream jobs.
func (e JobResult) Identity() string {
	if e.UUID() != "" {
		return e.UUID()
	}
	return strings.Join(e.succeeded, ",")
}

// include adds a run of the matrix.
func (e *JobResult) include(one *JobResult, r report.Run) {
	e.Runs = append(e.Runs, r)
	if one.Status == polyaxon.Succeeded {
		e.succeeded = append(e.succeeded, one.UUID())
		slices.Sort(e.succeeded)
	}
}

// setRun records a run as the server lists it.
func (e *JobResult) setRun(r *polyaxon.Run) {
	e.Status, e.described, e.marked, e.ended = r.Status, runs.Report(r), marked(r), r.FinishedAt
}

// setOutcome records the outcome of a run.
func (e *JobResult) setOutcome(o *run.Outcome) {
	e.Status, e.described, e.marked, e.ended = o.Run.Status, runs.ReportOutcome(o), marked(&o.Run), o.Run.FinishedAt
}

// ResultOf returns the JobResult of a job from a run that ended earlier.
func ResultOf(name string, r *polyaxon.Run) JobResult {
	e := JobResult{Name: name}
	e.setRun(r)
	return e
}

// Run returns the run as a report shows it.
func (e JobResult) Run() report.Run {
	r := e.described
	r.Status = string(e.Status)
	if e.Message != "" {
		r.Message = e.Message
	}
	return r
}

// Best returns the run or, of a matrix, the first in its order that succeeded.
func (e JobResult) Best() report.Run {
	for _, r := range e.Runs {
		if r.Status == string(polyaxon.Succeeded) {
			return r
		}
	}
	return e.Run()
}

// Report returns the job as a report shows it.
func (e JobResult) Report() report.Job {
	return report.Job{Name: e.Name, Action: report.Action(e.Action.String()), After: strings.Join(e.After, ", "), Run: e.Run(), Runs: e.Runs, BestBy: e.BestBy, Requirements: e.requirements, Kept: e.kept}
}

// refuses says why nothing may come after a job that succeeded, or returns "".
func (e JobResult) refuses() string {
	switch {
	case e.unjudged:
		return "the metrics of " + e.Name + " could not be read, so what it requires is not checked"
	case e.gateFailed:
		return "the metrics of " + e.Name + " do not meet what it requires"
	case e.incomplete:
		return e.Name + " has not left all of its artifacts"
	}
	return ""
}

// Reports returns jobs as a report shows them.
func Reports(all []JobResult) []report.Job {
	reported := make([]report.Job, len(all))
	for n := range all {
		reported[n] = all[n].Report()
	}
	return reported
}
