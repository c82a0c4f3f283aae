package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/job"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/internal/runs"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// followOldest follows the run of a submission. Two submitters may submit the same inputs at
// the same moment and not see each other's run at once. In that case the newer run is
// stopped, and followOldest follows the older one.
func (p *Pipeline) followOldest(ctx context.Context, j *config.Job, s run.Submission, submitted *run.Submitted, e *JobResult) error {
	for {
		settling, settled := context.WithCancel(ctx)
		var group panics.WaitGroup
		if submitted.Unsettled {
			group.Go(func() { run.Settle(settling, p.Polyaxon, s, submitted) })
		}
		err := p.follow(ctx, j, submitted, e)
		settled()
		group.Wait()
		var stopped *exit.RunError
		if !errors.As(err, &stopped) || e.Status != polyaxon.Stopped {
			return err
		}
		older, asked := run.OlderRun(ctx, p.Polyaxon, s, submitted)
		if asked != nil || older == nil {
			return err
		}
		p.Note(fmt.Sprintf("run %s was stopped: run %s is older and has the same inputs; following it", submitted.Run.UUID, older.Run.UUID))
		submitted = older
	}
}

// Follow follows an existing run to its end, and downloads its files if the options ask for
// it. Its error says how the run ended; it is nil if the run succeeded. If ctx is cancelled,
// it stops the run, or leaves it running if the job's on-cancel says so.
func (p *Pipeline) Follow(ctx context.Context, j *config.Job, r *polyaxon.Run) (JobResult, error) {
	e := JobResult{Name: j.Name}
	err := p.follow(ctx, j, &run.Submitted{Run: *r, How: run.Attached}, &e)
	err = errors.Join(err, p.download(ctx, "", &e))
	return e, err
}

func (p *Pipeline) follow(ctx context.Context, j *config.Job, submitted *run.Submitted, e *JobResult) error {
	target := p.RunTarget(&submitted.Run)
	followed, pending := watchPending(ctx, p.FailPending, j.Name, submitted.Run.UUID)
	defer pending.stop()
	endChildren := func() {}
	if hasChildren(&submitted.Run) {
		endChildren = p.followChildren(followed, j, submitted.Run.UUID)
	}
	sink := &sink{Env: p.Env, job: j.Name, uuid: submitted.Run.UUID, pending: pending}
	outcome, err := run.Follow(followed, p.Polyaxon, target, p.FollowOptions(run.FollowOptions{Logs: true, Limit: limitOf(j)}), sink)
	if err != nil {
		pending.stop() // do not wait for the runs below it
	}
	endChildren()
	if err != nil {
		e.setRun(&submitted.Run)
		e.Status = cmp.Or(sink.status, submitted.Run.Status)
		return p.abandon(ctx, followed, j, target, e, err)
	}
	e.setOutcome(outcome)
	p.warnOfMetrics(j.Name, outcome)
	p.AddMLflow.To(ctx, j.Name, &e.described)
	e.described.OutputsAt = p.OutputsAt(outcome)
	e.described.Cost = runs.Cost(p.Config.Prices, outcome)
	if uncompiled := run.NotCompiled(outcome.Run.UUID, outcome.Conditions); uncompiled != nil && outcome.Run.Status == polyaxon.Failed {
		return job.LocateRejection(ctx, p.Project, j, fmt.Errorf("%s: %w", jobLabel(j), uncompiled))
	}
	err = OutcomeError(j, outcome)
	if failed := new(exit.RunError); errors.As(err, &failed) {
		failed.Followed, failed.Reported = true, sink.end == strings.TrimSpace(failed.Message)
		failed.At = raisedAt(p.Config.Dir, p.Config.Images[j.Image], failed.LastLines)
	}
	return err
}

// warnOfMetrics reports what is wrong with the metrics of a job's run.
func (p *Pipeline) warnOfMetrics(job string, o *run.Outcome) {
	for _, warning := range o.MetricWarnings {
		p.Report(report.Event{Kind: report.Warning, Step: "run", Subject: job, Run: o.Run.UUID, Message: warning})
	}
}

// OutcomeError returns the error for how a run ended, nil if the run succeeded. It returns an
// *exit.TimeLimitError or an *exit.RunError.
func OutcomeError(j *config.Job, o *run.Outcome) error {
	if o.Run.Status == polyaxon.Succeeded {
		return nil
	}
	reason, message := o.Reason()
	if o.Run.Status == polyaxon.Failed && reason == "DeadlineExceeded" {
		return &exit.TimeLimitError{Job: j.Name, Service: j.Service, UUID: o.Run.UUID, Limit: j.Timeout, LastLines: o.LastLines}
	}
	if f := o.Failure; f != nil && f.Text != "" {
		message = f.Text
	}
	return &exit.RunError{
		Job: j.Name, Service: j.Service, UUID: o.Run.UUID, Status: string(o.Run.Status), Reason: reason, Message: message,
		LastLines: o.LastLines, Container: o.Failure.LinesContainer(),
	}
}

// stopGrace is how much longer than its time limit a run may run before slipway stops it.
// Servers normally enforce time limits themselves. This is for servers that do not.
const stopGrace = time.Minute

// limitOf returns how long slipway lets a job run, 0 for no limit.
func limitOf(j *config.Job) time.Duration {
	if j.Timeout == 0 {
		return 0
	}
	return j.Timeout + stopGrace
}
