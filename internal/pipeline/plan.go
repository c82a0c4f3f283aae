package pipeline

import (
	"context"
	"fmt"
	"strings"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/job"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/fill"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/operation"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/internal/runs"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// Planned is what a deploy would do with a job. Action is None if that is unknown.
type Planned struct {
	JobResult
	// Diff is the difference between the operation and the operation of the last run.
	Diff string

	// active reports whether a run of an expanded matrix has not ended and a deploy would wait
	// for it.
	active bool
	// refused is what the metrics of a job that is up to date do not meet, or nil.
	refused *exit.GateError
}

// Refused returns what the metrics of a job that is up to date do not meet of what it requires, or nil. A deploy ends
// with this error.
func (p Planned) Refused() error {
	if p.refused == nil {
		return nil
	}
	return p.refused
}

// holdsUp says why a deploy would submit nothing that comes after the job of this name, or returns "".
func (p Planned) holdsUp(name string) string {
	if p.Action == Skipped {
		return name + " did not succeed"
	}
	return p.refuses()
}

// Changes reports whether a deploy would or may submit a run.
func (p Planned) Changes() bool { return p.Action == None || p.Action == Submitted }

// Copies reports whether a deploy would copy artifacts of a run that has succeeded.
func (p Planned) Copies() bool { return p.kept != nil && p.kept.Action == report.ActionCopy }

// upToDate reports whether the job has succeeded with the same inputs, so that downstream
// jobs can be planned.
func (p Planned) upToDate() bool {
	return p.Action == UpToDate && !p.active
}

// Report returns the plan as a report shows it. Planned actions have their own names in
// reports.
func (p Planned) Report() report.Job {
	j := p.JobResult.Report()
	j.Action = map[Action]report.Action{None: report.ActionUnknown, Skipped: report.ActionSkip, UpToDate: report.ActionUpToDate, Attached: report.ActionAttach, Submitted: report.ActionSubmit}[p.Action]
	j.Diff = p.Diff
	return j
}

// Plan returns what Job would do. before maps the names of the upstream jobs to their plans.
// It changes nothing.
func (p *Pipeline) Plan(ctx context.Context, j *config.Job, before map[string]Planned) (Planned, error) {
	plan := Planned{JobResult: JobResult{Name: j.Name, After: j.After, Action: Submitted}}
	var upstream []string
	uuids := map[string]string{}
	for _, name := range j.After {
		one := before[name]
		if why := one.holdsUp(name); why != "" {
			plan.Action, plan.Message = Skipped, "not submitted: "+why
			return plan, nil
		}
		if !one.upToDate() {
			plan.Diff = "after " + name + " has run\n"
			return plan, nil
		}
		upstream, uuids[name] = append(upstream, one.Identity()), one.Identity()
	}
	upstream = append(upstream, p.dataOf(j)...)
	j, err := p.withOutputs(ctx, j, uuids)
	if err != nil {
		return plan, err
	}
	operation, err := job.Operation(ctx, p.Project, j, p.References[j.Image])
	if err != nil {
		return plan, err
	}
	if j.Matrix == config.MatrixExpand {
		err := p.planExpanded(ctx, j, operation, upstream, &plan)
		return plan, err
	}
	s := p.Submission(j, operation, upstream)
	found, err := run.Find(ctx, p.Polyaxon, s)
	switch {
	case err != nil && !polyaxon.IsNotFound(err):
		return plan, err
	case found != nil:
		if plan.Action = Attached; found.Status == polyaxon.Succeeded {
			plan.Action = UpToDate
		}
		plan.setRun(found)
		return plan, p.planGate(ctx, j, s, &plan)
	}
	plan.Diff, err = p.diff(ctx, j, operation)
	return plan, err
}

// diff returns the difference between an operation and the operation of the job's last run.
func (p *Pipeline) diff(ctx context.Context, j *config.Job, operation *operation.Operation) (string, error) {
	last, err := runs.Last(ctx, p.Platform, j.Name, "")
	if err != nil {
		return "", err
	}
	before := ""
	if last != nil {
		before = text(last.RawContent)
	}
	changes := string(diff.Diff("last run", []byte(before), "deploy", fill.Unlabelled(operation).YAML()))
	if changes == "" {
		changes = "the operation is unchanged: its image, its upstream or the status of its last run differs\n"
	}
	return changes, nil
}

// text returns an operation that a server stored in the form that render prints, so that
// both can be compared line by line.
func text(content string) string {
	operation, err := operation.Parse([]byte(content))
	if err != nil {
		return content
	}
	return string(fill.Unlabelled(operation).YAML())
}

// planExpanded plans the runs of an expanded matrix.
func (p *Pipeline) planExpanded(ctx context.Context, j *config.Job, operation *operation.Operation, upstream []string, plan *Planned) error {
	s, err := p.expandMatrix(ctx, j, operation, upstream)
	if err != nil {
		return err
	}
	found, err := p.existingRuns(ctx, s)
	if err != nil {
		return err
	}
	reached := s.reachedBefore(found)
	missing := 0
	var diff strings.Builder
	for n := range found {
		switch one := &found[n]; {
		case one.UUID() != "":
			plan.include(one, one.Run())
			fmt.Fprintf(&diff, " %s: run %s %s\n", s.params(n), one.UUID(), one.Status)
			if one.Status != polyaxon.Succeeded {
				plan.active = true
			}
		case reached != nil:
			fmt.Fprintf(&diff, " %s: not needed\n", s.params(n))
		default:
			missing++
			fmt.Fprintf(&diff, "+%s\n", s.params(n))
		}
	}
	plan.Diff = diff.String()
	plan.Action = UpToDate
	plan.active = plan.active && reached == nil // a deploy waits for no other run then
	switch {
	case missing > 0:
		plan.Action = Submitted
	case plan.active:
		plan.Action = Attached
	}
	plan.Message = fmt.Sprintf("%d of %d runs, %d at once", missing, len(found), s.concurrency())
	if reached != nil {
		plan.Message = reached.Why
	}
	return p.planGateOfMatrix(ctx, j, s, found, reached, plan)
}
