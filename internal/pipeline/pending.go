package pipeline

import (
	"context"
	"sync"
	"time"

	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/tasks/exit"
)

// pendingWatch stops the following of a run that does not start in time.
type pendingWatch struct {
	mu     sync.Mutex
	timer  *time.Timer
	cancel context.CancelCauseFunc
	why    string
	// explained reports whether why is an explanation rather than the message of a condition.
	explained bool
}

// reason sets the explanation why the run waits.
func (w *pendingWatch) reason(why string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.why, w.explained = why, true
}

// watchPending returns a context that is cancelled with an *exit.PendingError as its cause
// if the run does not start within limit. A limit of zero means no limit.
func watchPending(ctx context.Context, limit time.Duration, job, uuid string) (context.Context, *pendingWatch) {
	ctx, cancel := context.WithCancelCause(ctx)
	w := &pendingWatch{cancel: cancel}
	if limit > 0 {
		w.timer = time.AfterFunc(limit, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			cancel(&exit.PendingError{Job: job, UUID: uuid, After: limit, Why: w.why, Reported: w.explained})
		})
	}
	return ctx, w
}

// record records a condition of the run, and stops the timer if the run has started or ended.
func (w *pendingWatch) record(c polyaxon.Condition) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c.Message != "" && !w.explained {
		w.why = c.Message
	}
	if c.Type == polyaxon.Running || c.Type.Terminal() {
		w.halt()
	}
}

// stop stops the timer and releases the context.
func (w *pendingWatch) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.halt()
	w.cancel(nil)
}

// halt stops the timer. The caller must hold w.mu.
func (w *pendingWatch) halt() {
	if w.timer != nil {
		w.timer.Stop()
	}
}
