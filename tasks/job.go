package tasks

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/operation"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/tasks/report"
)

// stopLimit is how long a command that was interrupted waits for its runs to
// stop: a GitHub runner kills the step 7.5 s after the first signal.
const stopLimit = 4500 * time.Millisecond

// jobOptions say how runs are submitted and followed.
type jobOptions struct {
	// Rerun, FailPending and Download are as in DeployOptions.
	Rerun       bool
	FailPending time.Duration
	Download    string
	// Detach submits and does not follow.
	Detach bool
	// several tells that there are several jobs, whose files each have a directory.
	several bool
}

// check refuses what can be no options.
func (o jobOptions) check() error {
	if o.FailPending < 0 {
		return usagef("a run cannot wait for %s: --fail-pending is a time such as 10m", o.FailPending)
	}
	return nil
}

// submission is what a job submits: image is the reference of its image, upstream
// are the runs that it comes after.
func (p *project) submission(ctx context.Context, j *config.Job, image string, upstream []string, o jobOptions) (run.Submission, error) {
	operation, err := p.operation(ctx, j, image)
	if err != nil {
		return run.Submission{}, err
	}
	return p.submissionOf(j, operation, image, upstream, o), nil
}

// submissionOf is what a job submits whose operation is known.
func (p *project) submissionOf(j *config.Job, operation *operation.Operation, image string, upstream []string, o jobOptions) run.Submission {
	from, keys := p.origin(), p.keys(j, operation, image, upstream)
	return run.Submission{
		Project: p.config.Project, Name: j.Name, Content: string(p.stamped(operation).JSON()),
		Key: keys[0], FormerKeys: keys[1:], Tags: from.tags, MetaInfo: from.meta, Rerun: o.Rerun, Lasting: j.Service, Sleep: p.Sleep,
	}
}

// submit sends a job's operation to Polyaxon, or finds the run that it became
// earlier. When ctx is cancelled meanwhile it gives the run, if one was made,
// together with an error.
func (p *project) submit(ctx context.Context, to *platform, j *config.Job, s run.Submission) (*run.Submitted, error) {
	submitted, err := run.Submit(ctx, to.polyaxon, s)
	if err != nil {
		if ctx.Err() == nil {
			p.event(report.Failed, "submit", j.Name, "not submitted")
		}
		return submitted, p.refused(ctx, j, fmt.Errorf("submit %s: %w", named(j), err))
	}
	message := map[run.How]string{
		run.Created:  "run " + submitted.Run.UUID,
		run.Attached: "run " + submitted.Run.UUID + " goes on for these inputs; following it",
		run.UpToDate: "up to date: run " + submitted.Run.UUID + " succeeded for these inputs (--rerun runs it again)",
	}[submitted.How]
	p.event(report.Done, "submit", j.Name, message)
	return submitted, nil
}

// followAny follows the run of a submission. When that is stopped because it has
// an elder twin, which two submitters at the same moment may not both see at
// once, it follows the elder.
func (p *project) followAny(ctx context.Context, to *platform, j *config.Job, s run.Submission, submitted *run.Submitted, o jobOptions) (report.Run, error) {
	for {
		settling, settled := context.WithCancel(ctx)
		var group panics.WaitGroup
		if submitted.Unsettled {
			group.Go(func() { run.Settle(settling, to.polyaxon, s, submitted) })
		}
		ended, err := p.follow(ctx, to, j, submitted, o)
		settled()
		group.Wait()
		var stopped *RunError
		if !errors.As(err, &stopped) || stopped.Status != string(polyaxon.Stopped) {
			return ended, err
		}
		elder, asked := run.Elder(ctx, to.polyaxon, s, submitted)
		if asked != nil || elder == nil {
			return ended, err
		}
		p.event(report.Note, "", "", fmt.Sprintf("run %s was stopped: run %s is older and has the same inputs; following it", submitted.Run.UUID, elder.Run.UUID))
		submitted = elder
	}
}

// follow watches a run to its end and reports it. When ctx is cancelled it stops
// the run, or leaves it, by the job's on-cancel.
func (p *project) follow(ctx context.Context, to *platform, j *config.Job, submitted *run.Submitted, o jobOptions) (report.Run, error) {
	target := p.target(to, &submitted.Run)
	followed, pending := watchPending(ctx, o.FailPending, j.Name, submitted.Run.UUID)
	defer pending.stop()
	told := func() {}
	if parent(&submitted.Run) {
		told = p.children(followed, to, j, submitted.Run.UUID)
	}
	sink := &jobSink{project: p, job: j.Name, pending: pending}
	outcome, err := run.Follow(followed, to.polyaxon, target, p.following(to, run.FollowOptions{Logs: true, Limit: limitOf(j)}), sink)
	if err != nil {
		pending.stop() // nobody waits for what runs below it
	}
	told()
	if err != nil {
		left := reportRun(&submitted.Run)
		left.Status = string(cmp.Or(sink.status, submitted.Run.Status))
		err = p.abandon(ctx, followed, to, j, target, &left, err)
		return left, err
	}
	ended := reportOutcome(outcome)
	ended.OutputsAt = p.outputsAt(to, outcome)
	ended.Cost = cost(p.config.Prices, outcome)
	if uncompiled := run.NotCompiled(outcome.Run.UUID, outcome.Conditions); uncompiled != nil && outcome.Run.Status == polyaxon.Failed {
		return ended, p.refused(ctx, j, fmt.Errorf("%s: %w", named(j), uncompiled))
	}
	err = verdict(j, outcome)
	if e := new(RunError); errors.As(err, &e) {
		e.Followed, e.Told = true, sink.end == strings.TrimSpace(e.Message)
	}
	return ended, err
}

// target names a run for package run.
func (p *project) target(to *platform, r *polyaxon.Run) run.Target {
	kind := r.Runtime
	if kind == "" {
		kind = r.Kind
	}
	return run.Target{Namespace: to.namespace, Project: p.config.Project, UUID: r.UUID, Kind: kind}
}

// abandon ends the watch over a run that has not ended: it is stopped when it
// waited or ran too long, or when the command was interrupted, unless on-cancel says to
// leave it. One, which reports it, is told so.
func (p *project) abandon(ctx, followed context.Context, to *platform, j *config.Job, target run.Target, one *report.Run, err error) error {
	var pending *PendingError
	var over *run.LimitError
	var ended error
	switch {
	case ctx.Err() != nil:
		return p.interrupt(ctx, to, j, target, one, stopLimit)
	case errors.As(err, &over):
		ended = &TimeLimitError{Job: j.Name, Service: j.Service, UUID: target.UUID, Limit: j.Timeout, LastLines: over.LastLines}
	case errors.As(context.Cause(followed), &pending):
		ended = pending
	default:
		return fmt.Errorf("follow %s: %w", named(j), err)
	}
	if err := p.stop(ctx, to, j, target, one, stopLimit); err != nil {
		return fmt.Errorf("%w; %w", ended, err)
	}
	return ended
}

// interrupt stops the run of a command that was interrupted, and confirms it
// within limit, or leaves it by the job's on-cancel. A run of a matrix that is not
// wanted any more is always stopped.
func (p *project) interrupt(ctx context.Context, to *platform, j *config.Job, target run.Target, one *report.Run, limit time.Duration) error {
	if enough := stoppedEarly(ctx); enough != nil {
		if err := p.stop(ctx, to, j, target, one, stopLimit); err != nil {
			return err
		}
		return enough
	}
	if j.OnCancel == "leave" {
		p.event(report.Note, "", "", fmt.Sprintf("run %s of %s goes on (on-cancel: leave); follow it with: slipway follow %s", target.UUID, named(j), target.UUID))
		return &InterruptedError{Outcome: fmt.Sprintf("run %s of %s was left running", target.UUID, named(j))}
	}
	if err := p.stop(ctx, to, j, target, one, limit); err != nil {
		return &InterruptedError{Outcome: err.Error()}
	}
	return &InterruptedError{Outcome: fmt.Sprintf("run %s of %s was stopped", target.UUID, named(j))}
}

// stop stops a run and confirms it within limit, though ctx is cancelled; one then
// reports it as stopped.
func (p *project) stop(ctx context.Context, to *platform, j *config.Job, target run.Target, one *report.Run, limit time.Duration) error {
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	if err := run.Stop(stopping, to.polyaxon, target); err != nil {
		return fmt.Errorf("run %s of %s could NOT be stopped, and may go on: %w; stop it with: slipway stop %s", target.UUID, named(j), err, target.UUID)
	}
	one.Status = string(polyaxon.Stopped)
	p.event(report.Status, "run", j.Name, one.Status)
	return nil
}

// verdict is the error that a run's end means, nil when it succeeded.
func verdict(j *config.Job, o *run.Outcome) error {
	if o.Run.Status == polyaxon.Succeeded {
		return nil
	}
	reason, message := o.Reason()
	if o.Run.Status == polyaxon.Failed && reason == "DeadlineExceeded" {
		return &TimeLimitError{Job: j.Name, Service: j.Service, UUID: o.Run.UUID, Limit: j.Timeout, LastLines: o.LastLines}
	}
	if f := o.Failure; f != nil && f.Text != "" {
		message = f.Text
	}
	return &RunError{
		Job: j.Name, Service: j.Service, UUID: o.Run.UUID, Status: string(o.Run.Status), Reason: reason, Message: message,
		LastLines: o.LastLines, Container: o.Failure.Speaker(),
	}
}

// named gives a job with its kind: job train, service api.
func named(j *config.Job) string { return kindOf(j.Service) + " " + j.Name }

func (p *project) outputsAt(to *platform, o *run.Outcome) string {
	if to.embedded {
		return shown(filepath.Join(p.state(), "artifacts", o.Run.UUID, "outputs"))
	}
	return "slipway artifacts " + o.Run.UUID
}

func reportRun(r *polyaxon.Run) report.Run {
	one := report.Run{UUID: r.UUID, RunName: r.Name, Kind: r.Kind, Status: string(r.Status), Inputs: r.Inputs, Tags: r.Tags}
	if !r.Status.Terminal() {
		one.Pending = r.Pending
	}
	if r.Runtime != "" {
		one.Kind = r.Runtime
	}
	if !r.CreatedAt.IsZero() {
		created := r.CreatedAt
		one.Created = &created
	}
	return one
}

func reportOutcome(o *run.Outcome) report.Run {
	one := reportRun(&o.Run)
	one.Reason, one.Message = o.Reason()
	one.Metrics, one.Outputs, one.LastLines, one.Speaker = o.Metrics, o.Outputs, o.LastLines, o.Failure.Speaker()
	one.Times = reportTimes(o.Times)
	if f := o.Failure; f != nil {
		one.Failure = &report.Failure{Pod: f.Pod, Container: f.Container, OOMKilled: f.OOMKilled, Evicted: f.Evicted, Text: f.Text}
		if f.ExitCode >= 0 {
			one.Failure.ExitCode = &f.ExitCode
		}
	}
	return one
}

func reportTimes(t run.Times) *report.Times {
	return &report.Times{Queued: inSeconds(t.Queued), Pulling: inSeconds(t.Pulling), Running: inSeconds(t.Running)}
}

func inSeconds(d *time.Duration) *float64 {
	if d == nil {
		return nil
	}
	seconds := d.Seconds()
	return &seconds
}

// pendingWatch ends the watch over a run that does not start in time.
type pendingWatch struct {
	mu     sync.Mutex
	timer  *time.Timer
	cancel context.CancelCauseFunc
	why    string
	// explained tells that why is more than a condition's words.
	explained bool
}

// reason has why as the reason that the run waits for.
func (w *pendingWatch) reason(why string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.why, w.explained = why, true
}

// watchPending gives a context that ends with a *PendingError when the run was
// not seen running within limit; never when limit is zero.
func watchPending(ctx context.Context, limit time.Duration, job, uuid string) (context.Context, *pendingWatch) {
	ctx, cancel := context.WithCancelCause(ctx)
	w := &pendingWatch{cancel: cancel}
	if limit > 0 {
		w.timer = time.AfterFunc(limit, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			cancel(&PendingError{Job: job, UUID: uuid, After: limit, Why: w.why, Told: w.explained})
		})
	}
	return ctx, w
}

func (w *pendingWatch) saw(c polyaxon.Condition) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c.Message != "" && !w.explained {
		w.why = c.Message
	}
	if c.Type == polyaxon.Running || c.Type.Terminal() {
		w.halt()
	}
}

func (w *pendingWatch) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.halt()
	w.cancel(nil)
}

func (w *pendingWatch) halt() {
	if w.timer != nil {
		w.timer.Stop()
	}
}

// render is the operation as text, for `render`.
func render(o *operation.Operation) string { return string(o.YAML()) }
