package run

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/polyaxon"
)

// endsAfter is how long the end of a run that was seen is kept back for its last lines,
// which are told before it.
const endsAfter = 1500 * time.Millisecond

// ending is the state of telling a run's end.
type ending struct {
	mu sync.Mutex
	// told tells that the end was told, and over that its lines were.
	told, over bool
	// fault is a panic while it was told.
	fault error
	// failure is how the run failed, as far as is known by then.
	failure *Failure
}

// finish tells what is left when the run has ended: the last lines, then its end. Lines
// that are slow to come do not keep the end back.
func (f *follower) finish(ctx context.Context) {
	f.ending.failure = failure(f.status, f.conditions, nil)
	stop := f.options.Clock.AfterFunc(endsAfter, func() {
		f.ending.mu.Lock()
		defer f.ending.mu.Unlock()
		if f.ending.over {
			return
		}
		f.ending.fault = panics.Catch("", func() error {
			f.tellEnd()
			if f.options.Logs {
				f.sink.Note(fmt.Sprintf("the run has ended (%s); waiting for its log, for %s at most while nothing comes", f.status, f.options.Patience))
			}
			return nil
		})
	})
	defer stop()
	f.look(ctx)
	f.ending.knows(failure(f.status, f.conditions, f.pods))
	if f.options.Logs {
		f.lastLines(ctx)
	}
	f.survived(ctx)
	f.ending.mu.Lock()
	defer f.ending.mu.Unlock()
	if f.ending.over = true; f.ending.fault != nil {
		panic(f.ending.fault)
	}
	f.tellEnd()
}

// knows takes how the run failed by its pods, too.
func (e *ending) knows(f *Failure) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.failure = f
}

// tellEnd tells the conditions of the end, once: a failure in the words that say what to
// do about it. ending.mu is held.
func (f *follower) tellEnd() {
	if f.ending.told {
		return
	}
	f.ending.told = true
	for _, condition := range f.held {
		if f.ending.failure != nil && condition.Type == polyaxon.Failed {
			condition.Message = f.ending.failure.Text
		}
		f.sink.Status(condition)
	}
}

// lastLines tells the lines that were not told before.
func (f *follower) lastLines(ctx context.Context) {
	// Pods may be there for a moment still; what is not archived is theirs only.
	f.lines.until = f.options.Clock.Now().Add(lastWords)
	switch {
	case f.direct(ctx):
	case f.printed && !f.options.Whole:
		_ = f.lines.live(ctx) // the archive follows
	}
	archives := func() bool { return f.archives(ctx) }
	if f.lines.drain(ctx, f.printed, archives) != nil {
		f.sink.Note("interrupted before all of its log was there: slipway logs " + f.target.UUID + " shows what is archived")
	}
}

// archives tells whether Polyaxon archives what the run prints, which its operation may
// forbid.
func (f *follower) archives(ctx context.Context) bool {
	r, err := f.client.Run(ctx, f.target.Project, f.target.UUID)
	return err != nil || r.CollectsLogs()
}

// survived tells when a run counts as one that succeeded though a pod of it was put
// out of its node: a program that ends with 0 when it is asked to end looks to
// Kubernetes like one that has done its work.
func (f *follower) survived(ctx context.Context) {
	if f.status != polyaxon.Succeeded || !f.reachable || len(f.pods) == 0 {
		return
	}
	events, err := f.options.Cluster.RunEvents(ctx, f.target.UUID, f.pods)
	if err != nil {
		return
	}
	if event := lastEvent(events, "", "Evicted"); event != nil {
		f.sink.Note(fmt.Sprintf("a pod of it was put out of the node (%s), and its program then ended with exit code 0: see whether its work is whole", brief(event.Message)))
	}
}

// outcome asks for all that is known of a run that has ended, for as long as contact
// may be lost. How it ended is known by then: that the server does not answer, that
// the run was deleted meanwhile, or that ctx ends, takes from what else is told, and not
// from that.
func (f *follower) outcome(ctx context.Context) *Outcome {
	outcome := f.summary(ctx)
	outcome.LastLines = f.lines.last()
	if failed := outcome.Failure; failed != nil && failed.Container != "" && !main(failed.Container) {
		if words := f.words(ctx, failed); len(words) > 0 {
			outcome.LastLines, failed.spoke = words, true
		}
	}
	return outcome
}

func (f *follower) summary(ctx context.Context) *Outcome {
	began := f.options.Clock.Now()
	for n := 0; ctx.Err() == nil; n++ {
		outcome, err := summarize(ctx, f.client, f.target, f.pods)
		switch {
		case ctx.Err() != nil:
		case err == nil:
			return outcome
		case polyaxon.Temporary(err) && f.options.Clock.Now().Sub(began) < f.options.Patience:
			_ = f.lines.pause(ctx, n) // the loop sees whether ctx has ended
			continue
		default:
			f.sink.Note(fmt.Sprintf("the run has ended, and the server tells no more of it: %v", err))
		}
		break
	}
	return &Outcome{
		Run:        polyaxon.Run{UUID: f.target.UUID, Project: f.target.Project, Status: f.status},
		Conditions: f.conditions, Failure: failure(f.status, f.conditions, f.pods),
	}
}
