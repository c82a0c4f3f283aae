package pipeline

import (
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/internal/runs"
	"github.com/slipway-ci/slipway/tasks/report"
)

// Action is how a job came to its run.
type Action int

// The actions, in the order in which one of them stands for the runs of a matrix: the last counts.
const (
	// None: an error came first.
	None Action = iota
	// Skipped: no run was made.
	Skipped
	// UpToDate: a run for the same inputs has succeeded.
	UpToDate
	// Attached: a run for the same inputs is active.
	Attached
	// Submitted: a run was made.
	Submitted
)

// String returns the action as a report has it.
func (a Action) String() string {
	return [...]string{None: "", Skipped: "skip", UpToDate: "up-to-date", Attached: "attached", Submitted: "submitted"}[a]
}

func actionOf(how run.How) Action {
	return map[run.How]Action{run.Created: Submitted, run.Attached: Attached, run.UpToDate: UpToDate}[how]
}

// Ended is what became of a job, or of one run of its matrix.
type Ended struct {
	Name   string
	After  []string
	Action Action
	// Status is that of the run, or of all runs of the matrix. It is UpstreamFailed for a job that
	// was not submitted for that reason, and "" when there is no run.
	Status polyaxon.Status
	// Message says what the status does not.
	Message string
	// Runs are those of a matrix.
	Runs []report.Run
	// BestBy is what the runs of a matrix are in order by.
	BestBy *report.Ranking

	described report.Run
}

// UUID returns that of the run, "" without one.
func (e Ended) UUID() string { return e.described.UUID }

// Metrics returns those of the run.
func (e Ended) Metrics() map[string]float64 { return e.described.Metrics }

// Identity names the run of a job, or those of its matrix that succeeded where slipway made them,
// for the deploy keys of the jobs that come after it.
func (e Ended) Identity() string {
	if e.UUID() != "" || len(e.Runs) == 0 {
		return e.UUID()
	}
	var all []string
	for _, r := range e.Runs {
		if r.Status == string(polyaxon.Succeeded) {
			all = append(all, r.UUID)
		}
	}
	slices.Sort(all)
	return strings.Join(all, ",")
}

// saw takes a run as the server lists it.
func (e *Ended) saw(r *polyaxon.Run) { e.Status, e.described = r.Status, runs.Report(r) }

// ended takes the outcome of a run.
func (e *Ended) ended(o *run.Outcome) { e.Status, e.described = o.Run.Status, runs.ReportOutcome(o) }

// Of returns what became of a job whose run ended earlier.
func Of(name string, r *polyaxon.Run) Ended {
	e := Ended{Name: name}
	e.saw(r)
	return e
}

// Run describes the run for a report.
func (e Ended) Run() report.Run {
	r := e.described
	r.Status = string(e.Status)
	if e.Message != "" {
		r.Message = e.Message
	}
	return r
}

// Report describes the job for a report.
func (e Ended) Report() report.Job {
	return report.Job{Name: e.Name, Action: e.Action.String(), After: strings.Join(e.After, ", "), Run: e.Run(), Runs: e.Runs, BestBy: e.BestBy}
}

// Reports describes jobs for a report.
func Reports(all []Ended) []report.Job {
	reported := make([]report.Job, len(all))
	for n := range all {
		reported[n] = all[n].Report()
	}
	return reported
}
