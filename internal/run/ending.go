package run

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/slipway-ci/slipway/internal/advice"
	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/polyaxon"
)

// endsAfter is how long the end of a run is held back, so that its last lines are
// reported before it.
const endsAfter = 1500 * time.Millisecond

// ending is the state of reporting a run's end.
type ending struct {
	mu sync.Mutex
	// reported reports whether the end was reported, and over whether the last lines were.
	reported, over bool
	// fault is a panic of the sink in the timer's goroutine.
	fault error
	// failure is how the run failed, as far as it is known so far.
	failure *Failure
}

// finish reports the last lines of a run that has ended, and then its end. If the lines
// take longer than endsAfter, the end is reported before them.
func (f *follower) finish(ctx context.Context) {
	f.ending.failure = failure(f.status, f.conditions, nil)
	stop := f.options.Clock.AfterFunc(endsAfter, func() {
		f.ending.mu.Lock()
		defer f.ending.mu.Unlock()
		if f.ending.over {
			return
		}
		f.ending.fault = panics.Catch("", func() error {
			f.reportEnd()
			if f.options.Logs {
				f.sink.Note(fmt.Sprintf("the run has ended (%s); waiting for its log until no line arrives for %s", f.status, f.options.Patience))
			}
			return nil
		})
	})
	defer stop()
	f.look(ctx)
	f.ending.setFailure(failure(f.status, f.conditions, f.pods))
	if f.options.Logs {
		f.lastLines(ctx)
	}
	f.reportEviction(ctx)
	f.ending.mu.Lock()
	defer f.ending.mu.Unlock()
	if f.ending.over = true; f.ending.fault != nil {
		panic(f.ending.fault)
	}
	f.reportEnd()
}

// setFailure records how the run failed, including what its pods say.
func (e *ending) setFailure(f *Failure) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.failure = f
}

// reportEnd reports the conditions of the end, once. The message of a failure is replaced
// by one that says what to do. The caller must hold ending.mu.
func (f *follower) reportEnd() {
	if f.ending.reported {
		return
	}
	f.ending.reported = true
	for _, condition := range f.held {
		if f.ending.failure != nil && condition.Type == polyaxon.Failed {
			condition.Message = f.ending.failure.Text
		}
		f.sink.Status(condition)
	}
}

// lastLines reports the lines that were not reported before.
func (f *follower) lastLines(ctx context.Context) {
	// Pods may still exist for a moment, and only they have the lines that are not archived.
	f.lines.until = f.options.Clock.Now().Add(logEndWait)
	switch {
	case f.direct(ctx):
	case f.printed && !f.options.CompleteLive:
		_ = f.lines.live(ctx) // errors do not matter, since the archive follows
	}
	archives := func() bool { return f.archives(ctx) }
	if f.lines.drain(ctx, f.printed, archives) != nil {
		f.sink.Note("interrupted before its whole log was read: slipway logs " + f.target.UUID + " shows what is archived")
	}
}

// archives reports whether Polyaxon archives the run's log, which its operation may turn
// off. It is true if the server does not respond.
func (f *follower) archives(ctx context.Context) bool {
	r, err := f.client.Run(ctx, f.target.Project, f.target.UUID)
	return err != nil || r.CollectsLogs()
}

// reportEviction reports a pod that was evicted although the run succeeded. To Kubernetes, a
// program that exits with 0 when it is asked to end looks like one that has done its
// work.
func (f *follower) reportEviction(ctx context.Context) {
	if f.status != polyaxon.Succeeded || !f.reachable || len(f.pods) == 0 {
		return
	}
	events, err := f.options.Cluster.RunEvents(ctx, f.target.UUID, f.pods)
	if err != nil {
		return
	}
	if event := lastEvent(events, "", "Evicted"); event != nil {
		f.sink.Note(fmt.Sprintf("one of its pods was evicted (%s), and its program then ended with exit code 0: check that its results are complete", advice.Brief(event.Message)))
	}
}

// outcome returns all that is known of a run that has ended. It retries temporary errors
// for up to Patience. How the run ended is known already, so outcome returns no error: if
// the server does not respond, the run was deleted, or ctx ends, only the other parts of
// the outcome are missing.
func (f *follower) outcome(ctx context.Context) *Outcome {
	outcome := f.summary(ctx)
	outcome.LastLines = f.lines.last()
	if failed := outcome.Failure; failed != nil && failed.Container != "" && !isMain(failed.Container) {
		if words := f.lastLinesOf(ctx, failed); len(words) > 0 {
			outcome.LastLines, failed.ownLines = words, true
		}
	}
	if hint := hintOf(outcome); hint != "" && f.status == polyaxon.Failed {
		f.sink.Note(hint)
	}
	return outcome
}

// hintOf returns what to do about what the image of a run does not have, by what its program, a shell or the container
// runtime has said, and "" if they name nothing.
func hintOf(o *Outcome) string {
	_, why := o.Reason()
	said := append(slices.Clone(o.LastLines), why)
	if o.Failure != nil {
		said = append(said, o.Failure.Text)
	}
	return cmp.Or(libraryHint(said), moduleHint(said), programHint(said))
}

// firstMatch returns the groups of the first line that matches, or nil.
func firstMatch(pattern *lazyregexp.Regexp, lines []string) []string {
	for _, line := range lines {
		if m := pattern.FindStringSubmatch(line); m != nil {
			return m
		}
	}
	return nil
}

// summary returns the outcome, or one with only the status, the conditions and the
// failure if the server does not return the rest.
func (f *follower) summary(ctx context.Context) *Outcome {
	began := f.options.Clock.Now()
	for n := 0; ctx.Err() == nil; n++ {
		outcome, err := summarize(ctx, f.client, f.target, f.pods, f.lines.metrics)
		switch {
		case ctx.Err() != nil:
		case err == nil:
			return outcome
		case polyaxon.Temporary(err) && f.options.Clock.Now().Sub(began) < f.options.Patience:
			_ = f.lines.pause(ctx, n) // the loop condition checks ctx
			continue
		default:
			f.sink.Note(fmt.Sprintf("the run has ended, and the server returned no further details: %v", err))
		}
		break
	}
	return &Outcome{
		Run:        polyaxon.Run{UUID: f.target.UUID, Project: f.target.Project, Status: f.status},
		Conditions: f.conditions, Failure: failure(f.status, f.conditions, f.pods),
	}
}
