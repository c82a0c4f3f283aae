// Package run takes an operation from its submission to its end. It submits the operation
// exactly once, follows the run through failures of the network, stops it if needed, and
// returns its outcome.
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

// The keys that slipway writes into a run's meta_info. Values begin with a letter, since
// servers do not find values that look like numbers.
const (
	// MetaKey has the deploy key, by which a run is found again.
	MetaKey = "slipway"
	// MetaAttempt distinguishes submissions with the same deploy key.
	MetaAttempt = "slipway_attempt"
	// MetaRerun marks a run that was requested although another one counts for its key.
	MetaRerun = "slipway_rerun"
)

const (
	// maxAttempts is the maximum number of requests for a run whose creation was not confirmed.
	maxAttempts = 5
	// responseLimit is how long a canceled submission waits for the response to its request.
	responseLimit = time.Second
	// FinishLimit is how long a canceled submission takes in all to find out whether its run
	// was created. A run that was created must be stopped.
	FinishLimit = 2 * time.Second
)

// Submission describes what to submit.
type Submission struct {
	Project, Name string
	// Content is the operation, as JSON.
	Content string
	// Key is the deploy key, which is the same for the same inputs. It must not look like a
	// number.
	Key string
	// FormerKeys are the keys that earlier versions of slipway computed for the same inputs.
	// Their runs count too. New runs get only Key.
	FormerKeys []string
	Tags       []string
	MetaInfo   map[string]any
	// Rerun submits even if a run for the key is active or has succeeded. It creates exactly
	// one new run, however often its requests are repeated.
	Rerun bool
	// Service reports whether the run is of use only while it is active, as a service is. A
	// run that succeeded does not count then.
	Service bool
	// Sleep waits between retries. Nil means clock.Sleep.
	Sleep func(context.Context, time.Duration) error
}

// How says how a submission got its run.
type How int

// The values of How.
const (
	// Created means that a new run was created.
	Created How = iota
	// Attached means that a run with the key is active.
	Attached
	// UpToDate means that a run with the key has succeeded.
	UpToDate
)

// Submitted is the run of a submission.
type Submitted struct {
	Run polyaxon.Run
	How How
	// Unsettled reports whether a duplicate run may still appear or continue: a request had
	// no response, or a duplicate could not be stopped. Call Settle then.
	Unsettled bool

	// attempt is that of the submission, or empty if an existing run was found.
	attempt string
}

// CompileError reports that the server accepted an operation but could not compile it, so
// that the run failed before it began.
type CompileError struct {
	UUID string
	// Message is the message of the compiler.
	Message string
}

// Error implements error. It has the compiler's message.
func (e *CompileError) Error() string {
	return fmt.Sprintf("the server cannot compile the operation (run %s): %s", e.UUID, e.Message)
}

// UnconfirmedError reports that a submission was canceled before its request had a
// response, and that its run was not found. The run may still begin.
type UnconfirmedError struct {
	Name, Project string
	Err           error
}

// Error implements error. It says what to do.
func (e *UnconfirmedError) Error() string {
	return fmt.Sprintf("%s was being submitted to project %s, and it is unknown whether its run was created: check `slipway runs`; the next deploy of the same inputs follows it", e.Name, e.Project)
}

// Unwrap returns the context's error.
func (e *UnconfirmedError) Unwrap() error { return e.Err }

// Submit makes sure that exactly one run for the key is active or has succeeded. It looks
// for such a run before it requests one, and after every error that leaves open whether
// one was created. At the end it looks once more: of several runs that were created at
// the same time, it keeps the oldest and stops the others. A run that failed, was stopped
// or is stopping does not count.
//
// The error is a *CompileError if the server accepts the operation and cannot compile it.
// If ctx is canceled while the run is being created, Submit waits up to 2 s for it and
// returns it together with ctx's error, so that the caller can stop it. If it is unknown
// whether the run was created, the error is an *UnconfirmedError.
func Submit(ctx context.Context, c *polyaxon.Client, s Submission) (*Submitted, error) {
	t := &submitter{client: c, Submission: s}
	if t.Sleep == nil {
		t.Sleep = clock.Sleep
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
	made := &Submitted{Run: *created, How: Created, Unsettled: t.maybeDuplicate, attempt: t.attempt}
	if ctx.Err() != nil {
		return made, ctx.Err()
	}
	if t.foundLater {
		// It was found in a list, which does not have all fields of a run.
		made.Run = *fetchFull(ctx, c, s.Project, created)
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
	// finishing is a context that ends FinishLimit after that of the call.
	finishing context.Context
	// foundLater reports whether the run was found after its request had no response.
	// maybeDuplicate reports whether a request without a response may have created another
	// run.
	foundLater, maybeDuplicate bool
}

// create creates the run, or finds the run that was created by a request whose response
// was lost. If it returns a run, its error is nil.
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
			return created, nil //nolint:nilerr // the caller checks ctx
		case err == nil:
			return fetchFull(ctx, t.client, t.Project, created), nil
		case ctx.Err() != nil:
			return t.finish(ctx, err)
		case !polyaxon.Temporary(err):
			return nil, err
		}
		t.maybeDuplicate = t.maybeDuplicate || outcomeUnknown(err)
		// The response was lost, or reports an error that may have happened after the run was
		// created. Look for the run, now and again before the next request.
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
			if n+1 == maxAttempts {
				return nil, err
			}
		}
	}
}

// post requests the run, once. When ctx is canceled, the request has responseLimit more to
// finish.
func (t *submitter) post(ctx context.Context, request polyaxon.CreateRun) (*polyaxon.Run, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	sending, cancel := outlive(ctx, responseLimit)
	defer cancel()
	return t.client.CreateRun(sending, t.Project, request)
}

// finish looks for the run of a canceled submission for as long as its request may still
// arrive.
func (t *submitter) finish(ctx context.Context, sent error) (*polyaxon.Run, error) {
	if !t.maybeDuplicate && !outcomeUnknown(sent) {
		return nil, ctx.Err()
	}
	for t.finishing.Err() == nil {
		if found, _ := t.own(t.finishing); found != nil {
			return found, nil
		}
		_ = clock.Sleep(t.finishing, 100*time.Millisecond)
	}
	return nil, &UnconfirmedError{Name: t.Name, Project: t.Project, Err: ctx.Err()}
}

// own returns the run of this attempt, or nil if there is none.
func (t *submitter) own(ctx context.Context) (*polyaxon.Run, error) {
	runs, err := list(ctx, t.client, t.Submission, byAttempt(t.attempt))
	if err != nil || len(runs) == 0 {
		return nil, err
	}
	t.foundLater = true
	return &runs[0], nil
}

// outlive returns a context that ends d after ctx.
func outlive(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		_ = clock.Sleep(longer, d)
		cancel()
	})
	return longer, func() { stop(); cancel() }
}

// outcomeUnknown reports whether the server may still be processing a failed request: the
// connection was lost after it was sent, or a gateway timed out.
func outcomeUnknown(err error) bool {
	dial := new(net.OpError)
	if errors.As(err, &dial) && dial.Op == "dial" {
		return false
	}
	return polyaxon.Unreachable(err)
}

// fetchFull returns a run with all its fields. The response of 1.11.3 to a create has neither
// status nor kind.
func fetchFull(ctx context.Context, c *polyaxon.Client, project string, created *polyaxon.Run) *polyaxon.Run {
	if asked, err := c.Run(ctx, project, created.UUID); err == nil {
		return asked
	}
	return created
}

// NotCompiled returns a *CompileError if the conditions of a failed run say that its
// operation did not compile, and nil otherwise.
func NotCompiled(uuid string, conditions []polyaxon.Condition) *CompileError {
	if failed := polyaxon.CompileErrorOf(conditions); failed != nil {
		return &CompileError{UUID: uuid, Message: failed.Message}
	}
	return nil
}

// nonce returns a random name for an attempt. It begins with a letter.
func nonce() (string, error) {
	random := make([]byte, 12)
	if _, err := rand.Read(random); err != nil {
		return "", fmt.Errorf("make a name for the attempt: %w", err)
	}
	return "a-" + hex.EncodeToString(random), nil
}
