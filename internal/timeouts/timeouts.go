// Package timeouts bounds how long a server may keep its client waiting: for the response
// to a request, and for each part of a body that is sent or received. A server that
// accepts a connection and never responds ends in an error. A server that is slow but
// makes progress does not.
package timeouts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/slipway-ci/slipway/internal/panics"
)

// Limits are the timeouts of a server.
type Limits struct {
	// Response bounds the time from the end of the request to the beginning of the response.
	// Write, when not zero, replaces it for PUT and PATCH, for which the server may have
	// much to do.
	Response, Write time.Duration
	// Chunk bounds the time that every Pace bytes of a body may take. Only the time spent
	// waiting for the server counts, not the time that the caller takes to produce or read
	// the body.
	Chunk time.Duration
	Pace  int
	// Endless reports whether the response to a request may be silent without a limit, as
	// that of a watch may. Only its beginning has a timeout then. When nil, no response may.
	Endless func(*http.Request) bool
}

// Error reports that a server did not respond, or did not go on, within Limit. It is a
// timeout in the sense of net.Error.
type Error struct {
	Host  string
	Limit time.Duration
}

// Error implements error. It names the host.
func (e *Error) Error() string {
	return fmt.Sprintf("%s accepted the connection but did not respond within %s; check whether it is overloaded or behind a proxy or firewall", e.Host, e.Limit)
}

// Timeout implements net.Error.
func (e *Error) Timeout() bool { return true }

// Temporary implements net.Error.
func (e *Error) Temporary() bool { return false }

// Transport returns a transport that sends requests by next and enforces the limits. A
// request that exceeds one fails with an *Error. A response that switches protocols has
// no limits from then on.
func Transport(next http.RoundTripper, l Limits) http.RoundTripper {
	return &transport{next: next, limits: l}
}

// transport is a transport with limits.
type transport struct {
	next   http.RoundTripper
	limits Limits
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(request *http.Request) (*http.Response, error) {
	ctx, cancel := panics.WithCancelOnPanic(request.Context())
	w := &watch{ctx: ctx, cancel: cancel, limits: t.limits}
	if w.limits.Write > 0 && (request.Method == http.MethodPut || request.Method == http.MethodPatch) {
		w.limits.Response = w.limits.Write
	}
	w.timer = time.AfterFunc(w.limits.Response, func() { cancel(&Error{request.URL.Host, w.limit()}) })
	bounded := request.WithContext(ctx)
	if request.Body != nil && request.Body != http.NoBody {
		bounded.Body = &requestBody{request.Body, w}
	}
	response, err := t.roundTrip(bounded)
	w.answered()
	if fault := panics.Cause(ctx); fault != nil { // of the body, in another goroutine
		if err == nil {
			_ = response.Body.Close()
		}
		w.end()
		panic(fault)
	}
	switch {
	case err != nil:
		err = w.reason(err)
		w.end()
		return nil, err
	case response.StatusCode == http.StatusSwitchingProtocols:
		return response, nil // the connection belongs to the caller
	case t.limits.Endless != nil && t.limits.Endless(request):
		response.Body = &responseBody{ReadCloser: response.Body, watch: w, endless: true}
	default:
		response.Body = &responseBody{ReadCloser: response.Body, watch: w}
	}
	response.Request = request
	return response, nil
}

// cancelGrace is how long to wait for a transport after its request was canceled.
const cancelGrace = time.Second

// roundTrip sends a request. A transport may ignore the context of a request, for example
// while it waits for a program that supplies credentials. carry returns soon after the
// context ends in any case, and leaves such a transport running.
func (t *transport) roundTrip(request *http.Request) (*http.Response, error) {
	type answer struct {
		response *http.Response
		err      error
	}
	answered := make(chan answer, 1)
	panics.Go(func() {
		response, err := t.next.RoundTrip(request)
		answered <- answer{response, err}
	}, func(err error) { answered <- answer{nil, err} })
	taken := func(a answer) (*http.Response, error) {
		if fault := new(panics.Error); errors.As(a.err, &fault) {
			panic(fault)
		}
		return a.response, a.err
	}
	select {
	case a := <-answered:
		return taken(a)
	case <-request.Context().Done():
	}
	timer := time.NewTimer(cancelGrace)
	defer timer.Stop()
	select {
	case a := <-answered:
		return taken(a)
	case <-timer.C:
	}
	panics.Go(func() {
		if a := <-answered; a.response != nil {
			_ = a.response.Body.Close()
		}
	}, func(error) {}) // nobody waits for the response any more
	return nil, context.Cause(request.Context())
}

// watch is the timer of one request. It runs only while the server is waited for.
type watch struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	limits Limits

	mu    sync.Mutex
	timer *time.Timer
	parts bool // a body is being sent or received
	done  bool // the response has begun, so what is sent no longer counts
	// The time waited for the current part: since is when the timer was last started, spent
	// is the time before that, and passed is the number of bytes of the part so far.
	since  time.Time
	spent  time.Duration
	passed int
}

// limit returns the limit that applies now.
func (w *watch) limit() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.parts {
		return w.limits.Chunk
	}
	return w.limits.Response
}

// stop stops the timer while the server is not waited for.
func (w *watch) stop() {
	w.timer.Stop()
	if w.parts {
		w.spent += time.Since(w.since)
	}
}

// run restarts the timer for the current part of a body, after n more bytes of it.
func (w *watch) run(n int) {
	w.parts = true
	if w.passed += n; w.passed >= w.limits.Pace {
		w.passed, w.spent = 0, 0
	}
	w.since = time.Now()
	w.timer.Reset(max(w.limits.Chunk-w.spent, 0))
}

// answered stops the timer when the response begins.
func (w *watch) answered() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer.Stop()
	w.done, w.parts, w.passed, w.spent = true, false, 0, 0
}

// end stops the timer and releases the request's context.
func (w *watch) end() {
	w.timer.Stop()
	w.cancel(nil)
}

// reason returns why a request ended: the *Error of its limit if that ended it, and err
// otherwise.
func (w *watch) reason(err error) error {
	if silent, ok := context.Cause(w.ctx).(*Error); ok { //nolint:errorlint // never wrapped
		return silent
	}
	return err
}

// requestBody is the body of a request. The server is waited for between two reads.
type requestBody struct {
	io.ReadCloser
	watch *watch
}

// Read implements io.Reader.
func (b *requestBody) Read(p []byte) (int, error) {
	w := b.watch
	w.mu.Lock()
	if !w.done {
		w.stop()
	}
	w.mu.Unlock()
	n, err := b.read(p)
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.done:
	case err != nil: // the body was sent, and the response is due
		w.parts = false
		w.timer.Reset(w.limits.Response)
	default:
		w.run(n)
	}
	return n, err
}

// read reads from the body. A panic becomes an error that ends the request.
func (b *requestBody) read(p []byte) (n int, err error) {
	defer panics.Keep(b.watch.ctx, &err, "")
	return b.ReadCloser.Read(p)
}

// responseBody is the body of a response. The server is waited for during a read.
type responseBody struct {
	io.ReadCloser
	watch   *watch
	endless bool
}

// Read implements io.Reader.
func (b *responseBody) Read(p []byte) (int, error) {
	if b.endless {
		return b.ReadCloser.Read(p)
	}
	w := b.watch
	w.mu.Lock()
	w.run(0)
	w.mu.Unlock()
	n, err := b.ReadCloser.Read(p)
	w.mu.Lock()
	w.stop()
	w.passed += n
	w.mu.Unlock()
	if err != nil && err != io.EOF { //nolint:errorlint // readers return io.EOF unwrapped
		err = w.reason(err)
	}
	return n, err
}

// Close closes the body and releases the request's context.
func (b *responseBody) Close() error {
	err := b.ReadCloser.Close()
	b.watch.end()
	return err
}
