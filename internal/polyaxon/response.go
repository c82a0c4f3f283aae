package polyaxon

import (
	"context"
	"io"
	"time"
)

// deadline cancels a request's context when its limit has passed.
type deadline struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer
	limit  time.Duration
}

// watch returns a context that is canceled with a timeoutError when limit has passed.
func watch(ctx context.Context, limit time.Duration) (context.Context, *deadline) {
	ctx, cancel := context.WithCancelCause(ctx)
	d := &deadline{ctx: ctx, cancel: cancel, limit: limit}
	d.timer = time.AfterFunc(limit, func() { cancel(timeoutError{limit}) })
	return ctx, d
}

// stop stops the timer and releases the context.
func (d *deadline) stop() {
	d.timer.Stop()
	d.cancel(nil)
}

// reason returns why a request ended: the timeoutError of its limit if that ended it, and
// err otherwise.
func (d *deadline) reason(err error) error {
	if slow, ok := context.Cause(d.ctx).(timeoutError); ok && err != nil { //nolint:errorlint // never wrapped
		return slow
	}
	return err
}

// responseBody is the body of a response. Closing it stops the deadline of its request.
type responseBody struct {
	io.Reader
	response io.Closer
	timer    *deadline
	// from is the URL that the response came from, without its query.
	from string
}

// Close closes the body and stops the deadline.
func (a *responseBody) Close() error {
	err := a.response.Close()
	a.timer.stop()
	return err
}

// rawBody is the body of a response before it is decompressed. The limit of a stream starts
// again with each pace bytes. Only the time spent waiting for the server counts, not the
// time that the caller takes between reads.
type rawBody struct {
	io.Reader
	timer  *deadline
	stream bool
	come   int
	spent  time.Duration
}

// Read implements io.Reader.
func (w *rawBody) Read(p []byte) (int, error) {
	started := time.Now()
	if w.stream {
		w.timer.timer.Reset(w.timer.limit - w.spent)
	}
	n, err := w.Reader.Read(p)
	if w.stream {
		w.timer.timer.Stop()
		w.spent += time.Since(started)
		if w.come += n; w.come >= pace {
			w.come, w.spent = 0, 0
		}
	}
	if err == io.EOF { //nolint:errorlint // readers return io.EOF unwrapped
		return n, err
	}
	return n, w.timer.reason(err)
}
