// Package relay copies connections between a port of this machine's loopback and a place
// that a function connects to.
package relay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/slipway-ci/slipway/internal/clock"
	"github.com/slipway-ci/slipway/internal/panics"
)

// Relay accepts connections on loopback until it is closed.
type Relay struct {
	listeners []net.Listener
	dial      func(context.Context) (net.Conn, error)
	check     func(*http.Request) error
	failed    func(error)
	ctx       context.Context
	end       context.CancelCauseFunc
	group     panics.WaitGroup
}

// Options configure a Relay.
type Options struct {
	// Port is the local port, or 0 for any free one.
	Port int
	// Both listens on the port of [::1], too, where this machine has it, because localhost
	// may be either address.
	Both bool
	// Dial connects to the place.
	Dial func(ctx context.Context) (net.Conn, error)
	// Check, when not nil, is called with each request of HTTP/1 that a local program sends, without
	// its body. If it returns an error, the program gets that with status 403. Other protocols,
	// such as TLS and HTTP/2, are not looked at.
	Check func(*http.Request) error
	// Failed, when not nil, is called with the error of each connection that failed. It is a
	// *RefusedError if a request was refused.
	Failed func(error)
}

// PortError reports that a port of this machine cannot be listened on.
type PortError struct {
	Port int
	Err  error
}

// Error implements error.
func (e *PortError) Error() string {
	return fmt.Sprintf("port %d of this machine cannot be used: %v", e.Port, e.Err)
}

// Unwrap returns the error of the system.
func (e *PortError) Unwrap() error { return e.Err }

// Open listens, and relays connections until Close is called or ctx is canceled. The error
// is a *PortError if the port cannot be listened on.
func Open(ctx context.Context, o Options) (*Relay, error) {
	listeners, err := listen(ctx, o.Port, o.Both)
	if err != nil {
		return nil, &PortError{o.Port, err}
	}
	r := &Relay{listeners: listeners, dial: o.Dial, check: o.Check, failed: o.Failed}
	r.ctx, r.end = panics.WithCancelOnPanic(ctx)
	context.AfterFunc(r.ctx, r.closeListeners)
	for _, l := range listeners {
		r.group.Go(func() { r.accept(l) })
	}
	return r, nil
}

// Check returns a *PortError if a port cannot be listened on, as Open does.
func Check(ctx context.Context, port int, both bool) error {
	listeners, err := listen(ctx, port, both)
	if err != nil {
		return &PortError{port, err}
	}
	for _, l := range listeners {
		_ = l.Close()
	}
	return nil
}

// anyPortAttempts is how often a free port is looked for that both addresses have free.
const anyPortAttempts = 20

// listen listens on a port of 127.0.0.1, and if both is set of [::1].
func listen(ctx context.Context, port int, both bool) ([]net.Listener, error) {
	var config net.ListenConfig
	if both {
		probe, err := config.Listen(ctx, "tcp", "[::1]:0")
		if both = err == nil; both {
			_ = probe.Close()
		}
	}
	for n := 1; ; n++ {
		first, err := config.Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil || !both {
			return []net.Listener{first}, err
		}
		_, number, err := net.SplitHostPort(first.Addr().String())
		if err != nil {
			return nil, errors.Join(err, first.Close())
		}
		second, err := config.Listen(ctx, "tcp", net.JoinHostPort("::1", number))
		if err == nil {
			return []net.Listener{first, second}, nil
		}
		_ = first.Close()
		if port != 0 || n == anyPortAttempts {
			return nil, err
		}
	}
}

// Address returns the host and port of 127.0.0.1 that the relay listens on.
func (r *Relay) Address() string { return r.listeners[0].Addr().String() }

// Port returns the port that the relay listens on.
func (r *Relay) Port() int { return r.listeners[0].Addr().(*net.TCPAddr).Port }

// Context returns a context that ends when the relay is closed, or with the panic that ended
// it.
func (r *Relay) Context() context.Context { return r.ctx }

// closeTimeout is how long Close waits for the connections to end.
const closeTimeout = 3 * time.Second

// Close stops listening, closes all connections and waits until they have ended. It does not
// wait for more than 3 s: closing a connection to a place that does not read may block.
func (r *Relay) Close() { r.close(closeTimeout) }

func (r *Relay) close(limit time.Duration) {
	r.end(nil)
	r.closeListeners()
	r.group.WaitAtMost(limit)
}

func (r *Relay) closeListeners() {
	for _, l := range r.listeners {
		_ = l.Close()
	}
}

// accept accepts connections until the listener is closed. An error of the system, such as too
// many open files, is reported, and tried again after a pause.
func (r *Relay) accept(l net.Listener) {
	for pause := firstPause; ; {
		local, err := l.Accept()
		if r.ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
			if err == nil {
				_ = local.Close()
			}
			return
		}
		if err != nil {
			r.report(fmt.Errorf("accept a connection to port %d: %w", r.Port(), err))
			_ = clock.Sleep(r.ctx, pause)
			pause = min(2*pause, longestPause)
			continue
		}
		pause = firstPause
		r.group.Go(func() {
			if err := r.serve(local); err != nil {
				r.report(err)
			}
		})
	}
}

// firstPause is the pause after an error of accept. It doubles with each error in succession.
const firstPause, longestPause = 50 * time.Millisecond, 5 * time.Second

func (r *Relay) report(err error) {
	if r.failed != nil && r.ctx.Err() == nil {
		r.failed(err)
	}
}

// leaveTimeout is how long the local side may take to close its connection once the place has
// ended it.
const leaveTimeout = 2 * time.Second

// serve copies between a local connection and the place until the place ends the
// connection, or either side fails. When one side has sent all, the other one is told. A
// connection that failed is reset, so that the local side does not take what it has for the
// whole. The error is that of the place: a local program may leave at any time.
func (r *Relay) serve(local net.Conn) (err error) {
	defer local.Close()
	defer panics.Keep(r.ctx, &err, "a connection to port "+strconv.Itoa(r.Port()))
	remote, err := r.dial(r.ctx)
	if err != nil {
		return err
	}
	var once sync.Once
	var failure error
	end := func(why error) {
		once.Do(func() {
			if failure = why; why != nil {
				reset(local)
			}
			_, _ = local.Close(), remote.Close()
		})
	}
	defer context.AfterFunc(r.ctx, func() { end(nil) })()
	sent := make(chan struct{})
	var sending panics.WaitGroup
	sending.Go(func() {
		defer close(sent)
		left, failed := r.send(remote, local)
		half, ok := remote.(interface{ CloseWrite() error })
		refused := new(RefusedError)
		switch {
		case errors.As(left, &refused):
			r.report(refused)
			refuse(local, refused)
			end(nil)
		case left != nil, failed == nil && !ok:
			end(nil)
		case failed == nil:
			_ = half.CloseWrite()
		default: // the place may have answered before it stopped reading
			overdue := time.AfterFunc(leaveTimeout, func() { end(failed) })
			defer overdue.Stop()
			_, _ = io.Copy(io.Discard, local)
		}
	})
	failed, _ := transfer(local, remote)
	if failed == nil {
		leave(r.ctx, local, sent)
	}
	end(failed)
	sending.Wait()
	return failure
}

// send copies from the local side to the place.
func (r *Relay) send(remote io.Writer, local net.Conn) (reading, writing error) {
	if r.check == nil {
		return transfer(remote, local)
	}
	return transferRequests(remote, local, r.check)
}

// refuse answers a request that was refused, and gives the local side time to read the answer:
// the system would drop it if the connection were closed while a body comes.
func refuse(local net.Conn, refused *RefusedError) {
	refused.answer(local)
	if half, ok := local.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	_ = local.SetReadDeadline(time.Now().Add(leaveTimeout))
	_, _ = io.Copy(io.Discard, local)
}

// leave ends a connection that the place has ended. The system drops what the local side has
// not read yet when a connection is closed while there is something to read from it. So the
// local side is told of the end, and has time to close its own.
func leave(ctx context.Context, local net.Conn, sent <-chan struct{}) {
	half, ok := local.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	timer := time.NewTimer(leaveTimeout)
	defer timer.Stop()
	select {
	case <-sent:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// reset makes the system end a connection with a reset rather than with an end of what was
// sent.
func reset(local net.Conn) {
	if connection, ok := local.(*net.TCPConn); ok {
		_ = connection.SetLinger(0)
	}
}

// transfer copies until from ends. It tells the errors of reading and writing apart, which
// io.Copy does not.
func transfer(to io.Writer, from io.Reader) (reading, writing error) {
	block := make([]byte, 64<<10)
	for {
		n, err := from.Read(block)
		if n > 0 {
			if _, err := to.Write(block[:n]); err != nil {
				return nil, err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		if err != nil {
			return err, nil
		}
	}
}
