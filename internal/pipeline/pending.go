package pipeline

import (
	"context"
	"sync"
	"time"

	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/tasks/exit"
)

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

// watchPending returns a context that ends with a *exit.PendingError when the run was
// not seen running within limit; never when limit is zero.
func watchPending(ctx context.Context, limit time.Duration, job, uuid string) (context.Context, *pendingWatch) {
	ctx, cancel := context.WithCancelCause(ctx)
	w := &pendingWatch{cancel: cancel}
	if limit > 0 {
		w.timer = time.AfterFunc(limit, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			cancel(&exit.PendingError{Job: job, UUID: uuid, After: limit, Why: w.why, Told: w.explained})
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
