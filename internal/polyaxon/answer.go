package polyaxon

import (
	"context"
	"io"
	"time"
)

// deadline ends a request's context when its limit has passed.
type deadline struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer
	limit  time.Duration
}

func watch(ctx context.Context, limit time.Duration) (context.Context, *deadline) {
	ctx, cancel := context.WithCancelCause(ctx)
	d := &deadline{ctx: ctx, cancel: cancel, limit: limit}
	d.timer = time.AfterFunc(limit, func() { cancel(tooSlowError{limit}) })
	return ctx, d
}

func (d *deadline) stop() {
	d.timer.Stop()
	d.cancel(nil)
}

// reason gives why a request ended: its limit, where that was it.
func (d *deadline) reason(err error) error {
	if slow, ok := context.Cause(d.ctx).(tooSlowError); ok && err != nil { //nolint:errorlint // watch gave it bare
		return slow
	}
	return err
}

// answer is a body whose request's limit ends with it.
type answer struct {
	io.Reader
	response io.Closer
	timer    *deadline
	// from is the address that it came from.
	from string
}

func (a *answer) Close() error {
	err := a.response.Close()
	a.timer.stop()
	return err
}

// wire is a body as it comes, before it is unpacked. A stream has its limit anew
// with each part of pace bytes, and only what is spent waiting for the server
// counts: who reads it may take his time.
type wire struct {
	io.Reader
	timer  *deadline
	stream bool
	come   int
	spent  time.Duration
}

// Read implements io.Reader.
func (w *wire) Read(p []byte) (int, error) {
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
	if err == io.EOF { //nolint:errorlint // readers give it bare
		return n, err
	}
	return n, w.timer.reason(err)
}
