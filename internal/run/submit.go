// Package run takes an operation to its true end: it is submitted exactly once,
// followed through whatever the network does, stopped when it must be, and its
// outcome told.
package run

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/slipway-ci/slipway/internal/clock"
	"github.com/slipway-ci/slipway/internal/polyaxon"
)

// The keys of a run's meta_info that slipway writes. Values begin with a letter:
// servers do not find values that look like numbers.
const (
	// MetaKey holds the deploy key, by which a run is found again.
	MetaKey = "slipway"
	// MetaAttempt tells one submission from another of the same key.
	MetaAttempt = "slipway_attempt"
	// MetaRerun marks a run that was asked for although another counts for its key.
	MetaRerun = "slipway_rerun"
)

const (
	// tries is how often a run is asked for whose making was not confirmed.
	tries = 5
	// answerLimit is how long a submission that was interrupted waits for the
	// answer to its request.
	answerLimit = time.Second
	// FinishLimit is how long, in all, such a submission takes to learn whether its
	// run was made: what was made must be stopped.
	FinishLimit = 2 * time.Second
)

// Submission is what to submit.
type Submission struct {
	Project, Name string
	// Content is the operation, as JSON.
	Content string
	// Key is the deploy key: the same inputs have the same. It must not look like
	// a number.
	Key string
	// FormerKeys are the keys that earlier versions of identity gave the same inputs.
	// Their runs count, too; no new run gets one.
	FormerKeys []string
	Tags       []string
	MetaInfo   map[string]any
	// Rerun submits although a run succeeded, or goes on, for the key. It is an
	// attempt of its own: however often its requests are repeated, one run comes
	// of it.
	Rerun bool
	// Lasting tells that the run is wanted while it goes on, as a service is: one
	// that succeeded has ended, and does not count.
	Lasting bool
	// Sleep waits between tries; by the clock when nil.
	Sleep func(context.Context, time.Duration) error
}

// How says how a submission came to its run.
type How int

// The ways to a run.
const (
	// Created: a new run was made.
	Created How = iota
	// Attached: a run with the key goes on.
	Attached
	// UpToDate: a run with the key succeeded.
	UpToDate
)

// Submitted is the run that a submission has.
type Submitted struct {
	Run polyaxon.Run
	How How
	// Unsettled tells that a twin of the run may appear, or go on, yet: a request
	// had no answer, or a twin could not be stopped. Settle looks after it.
	Unsettled bool

	// attempt is the submission's own, empty where it found a run.
	attempt string
}

// CompileError is an operation that the server took and could not compile: the
// run has failed before it began.
type CompileError struct {
	UUID string
	// Message is the compiler's.
	Message string
}

// Error gives the compiler's words.
func (e *CompileError) Error() string {
	return fmt.Sprintf("the server cannot compile the operation (run %s): %s", e.UUID, e.Message)
}

// UnconfirmedError is a submission that was interrupted while its request had no
// answer, and whose run was not found: it may begin yet.
type UnconfirmedError struct {
	Name, Project string
	Err           error
}

// Error says what to do.
func (e *UnconfirmedError) Error() string {
	return fmt.Sprintf("%s was being submitted to project %s, and whether its run begins is unknown: `slipway runs` tells, and the next deploy of the same inputs follows it", e.Name, e.Project)
}

// Unwrap gives the error of the request.
func (e *UnconfirmedError) Unwrap() error { return e.Err }

// Submit sees to it that exactly one run for the key goes on, or has succeeded:
// it looks for one before it asks for one, and after every error that leaves open
// whether one was made, and once more afterwards, when of several that were made
// at the same moment the oldest stays and the others are stopped. A run that
// failed, was stopped or is stopping does not count.
//
// An operation that the server takes and cannot compile is a *CompileError. When
// ctx is cancelled while the run is being made, Submit waits up to 2 s for it, and
// gives it together with ctx's error, so that it can be stopped; where it cannot
// be told, the error is an *UnconfirmedError.
func Submit(ctx context.Context, c *polyaxon.Client, s Submission) (*Submitted, error) {
	t := &submitter{client: c, Submission: s}
	if t.Sleep == nil {
		t.Sleep = clock.Wait
	}
	if !s.Rerun {
		found, err := t.find(ctx)
		if err != nil && !polyaxon.IsNotFound(err) {
			return nil, fmt.Errorf("look for a run of these inputs: %w", err)
		}
		if found != nil {
			return found, nil
		}
	}
	var err error
	if t.attempt, err = nonce(); err != nil {
		return nil, err
	}
	var done context.CancelFunc
	t.finishing, done = outlive(ctx, FinishLimit)
	defer done()
	created, err := t.create(ctx)
	if created == nil {
		return nil, err
	}
	made := &Submitted{Run: *created, How: Created, Unsettled: t.unsettled, attempt: t.attempt}
	if ctx.Err() != nil {
		return made, ctx.Err()
	}
	if t.lost {
		// It was made by a request without an answer: all is in the list.
		made.Run = *whole(ctx, c, s.Project, created)
	}
	if made.Run.Status == polyaxon.Failed {
		if _, conditions, err := c.Statuses(ctx, s.Project, created.UUID); err == nil {
			if uncompiled := NotCompiled(created.UUID, conditions); uncompiled != nil {
				return nil, uncompiled
			}
		}
	}
	settled := t.settle(ctx, made)
	return settled, ctx.Err()
}

// submitter is one call of Submit.
type submitter struct {
	Submission
	client  *polyaxon.Client
	attempt string
	// finishing ends FinishLimit after the call's context.
	finishing context.Context
	// lost tells that the run was found after its request had no answer;
	// unsettled that a request without an answer may have made another one.
	lost, unsettled bool
}

// create makes the run, or finds the one that an attempt made whose answer was
// lost. With a run that was made, it gives no error but that of ctx.
func (t *submitter) create(ctx context.Context) (*polyaxon.Run, error) {
	meta := map[string]any{MetaKey: t.Key, MetaAttempt: t.attempt}
	if t.Rerun {
		meta[MetaRerun] = "yes"
	}
	for key, value := range t.MetaInfo {
		meta[key] = value
	}
	request := polyaxon.CreateRun{Content: t.Content, Name: t.Name, Tags: t.Tags, MetaInfo: meta}
	for n := 0; ; n++ {
		created, err := t.post(ctx, request)
		switch {
		case err == nil && ctx.Err() != nil:
			return created, nil //nolint:nilerr // the caller asks ctx itself
		case err == nil:
			return whole(ctx, t.client, t.Project, created), nil
		case ctx.Err() != nil:
			return t.finish(ctx, err)
		case !polyaxon.Temporary(err):
			return nil, err
		}
		t.unsettled = t.unsettled || unanswered(err)
		// The answer was lost, or was a failure that may have come after the run
		// was made: it is looked for, now and before it is asked for again.
		for again := range 2 {
			if again == 1 {
				if err := t.Sleep(ctx, 200*time.Millisecond<<n); err != nil {
					return t.finish(ctx, err)
				}
			}
			found, looked := t.own(ctx)
			if found != nil {
				return found, nil
			}
			if ctx.Err() != nil {
				return t.finish(ctx, err)
			}
			if looked != nil && !polyaxon.Temporary(looked) {
				return nil, fmt.Errorf("%w; then, when looking whether the run exists: %w", err, looked)
			}
			if n+1 == tries {
				return nil, err
			}
		}
	}
}

// post asks for the run, once. The request is not torn off when ctx is
// cancelled: it has answerLimit more to be answered.
func (t *submitter) post(ctx context.Context, request polyaxon.CreateRun) (*polyaxon.Run, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	sending, cancel := outlive(ctx, answerLimit)
	defer cancel()
	return t.client.CreateRun(sending, t.Project, request)
}

// finish looks for the run of a submission that was interrupted, for as long as
// its request may still arrive.
func (t *submitter) finish(ctx context.Context, sent error) (*polyaxon.Run, error) {
	if !t.unsettled && !unanswered(sent) {
		return nil, ctx.Err()
	}
	for t.finishing.Err() == nil {
		if found, _ := t.own(t.finishing); found != nil {
			return found, nil
		}
		_ = clock.Wait(t.finishing, 100*time.Millisecond)
	}
	return nil, &UnconfirmedError{Name: t.Name, Project: t.Project, Err: ctx.Err()}
}

// own gives the run of this attempt, if it was made.
func (t *submitter) own(ctx context.Context) (*polyaxon.Run, error) {
	runs, err := list(ctx, t.client, t.Submission, attempted(t.attempt))
	if err != nil || len(runs) == 0 {
		return nil, err
	}
	t.lost = true
	return &runs[0], nil
}

// outlive gives a context that ends d after ctx.
func outlive(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		_ = clock.Wait(longer, d)
		cancel()
	})
	return longer, func() { stop(); cancel() }
}

// unanswered tells whether a request that failed may still be at work: the
// network lost it after it was sent, or a gateway gave up waiting for it.
func unanswered(err error) bool {
	dial := new(net.OpError)
	if errors.As(err, &dial) && dial.Op == "dial" {
		return false
	}
	return polyaxon.Unreachable(err)
}

// whole gives a run with all that a server tells of it: 1.11.3 answers a create
// without status and kind.
func whole(ctx context.Context, c *polyaxon.Client, project string, created *polyaxon.Run) *polyaxon.Run {
	if asked, err := c.Run(ctx, project, created.UUID); err == nil {
		return asked
	}
	return created
}

// NotCompiled gives a *CompileError when the conditions of a run that failed say
// that its operation did not compile, nil otherwise.
func NotCompiled(uuid string, conditions []polyaxon.Condition) *CompileError {
	if failed := polyaxon.AsCompileError(conditions); failed != nil {
		return &CompileError{UUID: uuid, Message: failed.Message}
	}
	return nil
}

func nonce() (string, error) {
	random := make([]byte, 12)
	if _, err := rand.Read(random); err != nil {
		return "", fmt.Errorf("make a name for the attempt: %w", err)
	}
	return "a-" + hex.EncodeToString(random), nil
}
