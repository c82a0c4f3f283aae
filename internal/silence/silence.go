// Package silence bounds how long a server may keep its client waiting: for the
// answer to a request, and for each part of what is sent and received. A server that
// takes a connection and never answers ends in an error then; one that is slow, and
// goes on, does not.
package silence

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

// Limits say how long a server may take.
type Limits struct {
	// Answer bounds the time from the end of what is sent to the beginning of the
	// answer; Commit, when not zero, that of a PUT or PATCH, for which the server may
	// have much to do.
	Answer, Commit time.Duration
	// Part bounds the time that each part of a body takes, of Pace bytes. Only what is
	// spent waiting for the server counts: who makes or reads the body may take his time.
	Part time.Duration
	Pace int
	// Endless reports whether an answer may go on for ever without a word, such as a
	// watch: only its beginning is waited for. None may when nil.
	Endless func(*http.Request) bool
}

// Error is a server that did not answer, or did not go on, in time. It is a
// timeout.
type Error struct {
	Host  string
	Limit time.Duration
}

// Error names the host.
func (e *Error) Error() string {
	return fmt.Sprintf("%s took the connection and did not answer within %s; see whether it is overloaded, or whether a proxy or a firewall stands before it", e.Host, e.Limit)
}

// Timeout implements net.Error.
func (e *Error) Timeout() bool { return true }

// Temporary implements net.Error.
func (e *Error) Temporary() bool { return false }

// Transport gives a transport whose requests have the limits. Requests that turn into
// something else than HTTP are bounded until they do.
func Transport(next http.RoundTripper, l Limits) http.RoundTripper {
	return &transport{next: next, limits: l}
}

type transport struct {
	next   http.RoundTripper
	limits Limits
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(request *http.Request) (*http.Response, error) {
	ctx, cancel := panics.Until(request.Context())
	w := &watch{ctx: ctx, cancel: cancel, limits: t.limits}
	if w.limits.Commit > 0 && (request.Method == http.MethodPut || request.Method == http.MethodPatch) {
		w.limits.Answer = w.limits.Commit
	}
	w.timer = time.AfterFunc(w.limits.Answer, func() { cancel(&Error{request.URL.Host, w.limit()}) })
	bounded := request.WithContext(ctx)
	if request.Body != nil && request.Body != http.NoBody {
		bounded.Body = &sent{request.Body, w}
	}
	response, err := t.carry(bounded)
	w.answered()
	if fault := panics.Fault(ctx); fault != nil { // of the body, which a transport reads in a goroutine of its own
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
		return response, nil // its connection is the caller's
	case t.limits.Endless != nil && t.limits.Endless(request):
		response.Body = &received{ReadCloser: response.Body, watch: w, endless: true}
	default:
		response.Body = &received{ReadCloser: response.Body, watch: w}
	}
	response.Request = request
	return response, nil
}

// straggle is how long a transport is waited for that was told to end.
const straggle = time.Second

// carry sends a request. A transport that heeds no context, such as one that waits for
// a program that is to give it credentials, is left behind at the end of one.
func (t *transport) carry(request *http.Request) (*http.Response, error) {
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
	timer := time.NewTimer(straggle)
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
	}, func(error) {}) // nobody waits for it any more
	return nil, context.Cause(request.Context())
}

// watch is the clock of one request. It runs while the server is waited for.
type watch struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	limits Limits

	mu     sync.Mutex
	timer  *time.Timer
	parts  bool // a body is on its way
	done   bool // what is sent no longer counts
	since  time.Time
	spent  time.Duration
	passed int
}

func (w *watch) limit() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.parts {
		return w.limits.Part
	}
	return w.limits.Answer
}

// stop stops the clock: the server is not waited for.
func (w *watch) stop() {
	w.timer.Stop()
	if w.parts {
		w.spent += time.Since(w.since)
	}
}

// run has the clock go on for a part of a body, after n bytes more of it.
func (w *watch) run(n int) {
	w.parts = true
	if w.passed += n; w.passed >= w.limits.Pace {
		w.passed, w.spent = 0, 0
	}
	w.since = time.Now()
	w.timer.Reset(max(w.limits.Part-w.spent, 0))
}

// answered stops the clock at the beginning of the answer.
func (w *watch) answered() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer.Stop()
	w.done, w.parts, w.passed, w.spent = true, false, 0, 0
}

// end lets go of the request.
func (w *watch) end() {
	w.timer.Stop()
	w.cancel(nil)
}

// reason gives why a request ended: its limit, where that was it.
func (w *watch) reason(err error) error {
	if silent, ok := context.Cause(w.ctx).(*Error); ok { //nolint:errorlint // it was given bare
		return silent
	}
	return err
}

// sent is what a request sends. The server is waited for between two reads.
type sent struct {
	io.ReadCloser
	watch *watch
}

func (b *sent) Read(p []byte) (int, error) {
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
	case err != nil: // the rest is the server's
		w.parts = false
		w.timer.Reset(w.limits.Answer)
	default:
		w.run(n)
	}
	return n, err
}

// read reads on. A panic ends the request.
func (b *sent) read(p []byte) (n int, err error) {
	defer panics.Keep(b.watch.ctx, &err, "")
	return b.ReadCloser.Read(p)
}

// received is an answer's body. The server is waited for while it is read.
type received struct {
	io.ReadCloser
	watch   *watch
	endless bool
}

func (b *received) Read(p []byte) (int, error) {
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
	if err != nil && err != io.EOF { //nolint:errorlint // readers give it bare
		err = w.reason(err)
	}
	return n, err
}

func (b *received) Close() error {
	err := b.ReadCloser.Close()
	b.watch.end()
	return err
}
