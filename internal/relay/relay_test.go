package relay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/panics"
)

// pipe is a fake stream: it answers what was written to it once nothing more is written.
type pipe struct {
	net.Conn
	failure error

	mu   sync.Mutex
	said []byte
	done chan struct{}
	once sync.Once
	at   int
}

func (p *pipe) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.said = append(p.said, text...)
	return len(text), nil
}

func (p *pipe) CloseWrite() error { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipe) Close() error      { return p.CloseWrite() }

func (p *pipe) Read(text []byte) (int, error) {
	<-p.done
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failure != nil {
		return 0, p.failure
	}
	if p.at == len(p.said) {
		return 0, io.EOF
	}
	n := copy(text, p.said[p.at:])
	p.at += n
	return n, nil
}

// TestRelay sends texts through a relay at the same time. The answer comes after the end of
// the text, so the ends must be passed on one by one. The relay answers at both addresses of
// localhost.
func TestRelay(t *testing.T) {
	r, err := Open(t.Context(), Options{Both: true, Dial: func(context.Context) (net.Conn, error) { return &pipe{done: make(chan struct{})}, nil }})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var group sync.WaitGroup
	for n := range 8 {
		group.Go(func() {
			connection, err := net.Dial("tcp", fmt.Sprintf("localhost:%d", r.Port()))
			if err != nil {
				t.Error(err)
				return
			}
			defer connection.Close()
			want := strings.Repeat(fmt.Sprint(n), 1<<20)
			_, written := io.WriteString(connection, want)
			ended := connection.(*net.TCPConn).CloseWrite()
			said, read := io.ReadAll(connection)
			if err := errors.Join(written, ended, read); err != nil || string(said) != want {
				t.Errorf("%d bytes come back, %v", len(said), err)
			}
		})
	}
	group.Wait()
}

// TestFailures has connections fail at once, later, and with a panic.
func TestFailures(t *testing.T) {
	failures := make(chan error, 1)
	open := func(dial func(context.Context) (net.Conn, error)) *Relay {
		r, err := Open(t.Context(), Options{Dial: dial, Failed: func(err error) { failures <- err }})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	ask := func(r *Relay) {
		connection, err := net.Dial("tcp", r.Address())
		if err != nil {
			t.Fatal(err)
		}
		defer connection.Close()
		_ = connection.(*net.TCPConn).CloseWrite()
		if said, _ := io.ReadAll(connection); len(said) > 0 {
			t.Errorf("%q comes", said)
		}
	}
	refused, gone := errors.New("no pod is ready"), errors.New("the pod is gone")
	for _, c := range []struct {
		name string
		dial func(context.Context) (net.Conn, error)
		want error
	}{
		{"at once", func(context.Context) (net.Conn, error) { return nil, refused }, refused},
		{"later", func(context.Context) (net.Conn, error) { return &pipe{done: make(chan struct{}), failure: gone}, nil }, gone},
	} {
		r := open(c.dial)
		ask(r)
		select {
		case err := <-failures:
			if !errors.Is(err, c.want) {
				t.Errorf("%s: the reason is %v", c.name, err)
			}
		case <-time.After(time.Minute):
			t.Errorf("%s: the reason is not told", c.name)
		}
		r.Close()
	}

	r := open(func(context.Context) (net.Conn, error) { panic("provoked") })
	ask(r)
	select {
	case <-r.Context().Done():
		if err := panics.Cause(r.Context()); err == nil || !strings.Contains(err.Error(), "provoked") {
			t.Errorf("it ends with %v", err)
		}
	case <-time.After(time.Minute):
		t.Error("a panic does not end the relay")
	}
	r.Close()
}

// TestClose closes a relay with an open connection: nothing listens any more, and the
// connection has ended. A port that is taken is an error that names it.
func TestClose(t *testing.T) {
	remote := &pipe{done: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	r, err := Open(ctx, Options{Both: true, Dial: func(context.Context) (net.Conn, error) { return remote, nil }})
	if err != nil {
		t.Fatal(err)
	}
	var taken *PortError
	if _, err := Open(ctx, Options{Port: r.Port()}); !errors.As(err, &taken) || taken.Port != r.Port() || !strings.HasPrefix(err.Error(), fmt.Sprintf("port %d of this machine cannot be used: ", r.Port())) {
		t.Errorf("a port that is taken: %v", err)
	}
	connection, err := net.Dial("tcp", r.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	cancel()
	if said, _ := io.ReadAll(connection); len(said) > 0 {
		t.Errorf("%q comes", said)
	}
	r.Close()
	for _, host := range []string{"127.0.0.1", "::1"} {
		if connection, err := net.Dial("tcp", net.JoinHostPort(host, fmt.Sprint(r.Port()))); err == nil {
			_ = connection.Close()
			t.Errorf("%s still listens", host)
		}
	}
}

// TestLostConnections checks that a program sees an error, and not the end of what was sent, when
// the connection to the place is lost in the middle of an answer.
func TestLostConnections(t *testing.T) {
	place, remote := net.Pipe()
	r, err := Open(t.Context(), Options{Dial: func(context.Context) (net.Conn, error) { return lossy{remote}, nil }})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	connection, err := net.Dial("tcp", r.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if _, err := io.WriteString(place, "the first half"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(connection, make([]byte, len("the first half"))); err != nil {
		t.Fatal(err)
	}
	_ = place.Close()
	if said, err := io.ReadAll(connection); err == nil {
		t.Errorf("the answer ends well after %q", said)
	}
}

// lossy is a connection whose end is a loss.
type lossy struct{ net.Conn }

func (l lossy) Read(text []byte) (int, error) {
	n, err := l.Conn.Read(text)
	if err != nil {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// TestAnswersBeforeTheEnd has the place answer and close while the program still sends, as a
// server does that refuses an upload. The whole answer must arrive.
func TestAnswersBeforeTheEnd(t *testing.T) {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	answer := strings.Repeat("too large ", 100_000)
	go func() {
		for {
			connection, err := server.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = connection.Read(make([]byte, 10))
				defer connection.Close()
				_, _ = io.WriteString(connection, answer)
				_ = connection.(*net.TCPConn).CloseWrite()
				_, _ = io.Copy(io.Discard, connection)
			}()
		}
	}()
	r, err := Open(t.Context(), Options{Dial: func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", server.Addr().String())
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for range 5 {
		connection, err := net.Dial("tcp", r.Address())
		if err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = io.Copy(connection, strings.NewReader(strings.Repeat("x", 8<<20))) }()
		said, err := io.ReadAll(connection)
		if err != nil || len(said) != len(answer) {
			t.Fatalf("%d of %d bytes come back: %v", len(said), len(answer), err)
		}
		_ = connection.Close()
	}
}

// TestCloseDoesNotHang closes a relay whose place neither reads nor closes.
func TestCloseDoesNotHang(t *testing.T) {
	stuck := &stuckConn{writing: make(chan struct{}), free: make(chan struct{})}
	defer close(stuck.free)
	r, err := Open(t.Context(), Options{Dial: func(context.Context) (net.Conn, error) { return stuck, nil }})
	if err != nil {
		t.Fatal(err)
	}
	connection, err := net.Dial("tcp", r.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	_, _ = io.WriteString(connection, "x")
	<-stuck.writing
	ended := make(chan struct{})
	go func() { r.close(10 * time.Millisecond); close(ended) }()
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Error("Close waits for the place")
	}
}

// stuckConn is a connection on which everything blocks.
type stuckConn struct {
	net.Conn
	writing, free chan struct{}
}

func (s *stuckConn) Read([]byte) (int, error)  { <-s.free; return 0, io.EOF }
func (s *stuckConn) Write([]byte) (int, error) { close(s.writing); <-s.free; return 0, io.EOF }
func (s *stuckConn) Close() error              { <-s.free; return nil }

// TestAcceptAgain has the system refuse a connection, as it does without free file descriptors.
func TestAcceptAgain(t *testing.T) {
	failures := make(chan error, 1)
	real, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &Relay{listeners: []net.Listener{&failsOnce{Listener: real}}, dial: func(context.Context) (net.Conn, error) { return &pipe{done: make(chan struct{})}, nil }, failed: func(err error) { failures <- err }}
	r.ctx, r.end = panics.WithCancelOnPanic(t.Context())
	r.group.Go(func() { r.accept(r.listeners[0]) })
	defer r.Close()
	connection, err := net.Dial("tcp", r.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	_, written := io.WriteString(connection, "x")
	ended := connection.(*net.TCPConn).CloseWrite()
	said, read := io.ReadAll(connection)
	if err := errors.Join(written, ended, read); err != nil || string(said) != "x" {
		t.Errorf("%q comes, %v", said, err)
	}
	if err := <-failures; err == nil || !strings.Contains(err.Error(), "too many open files") {
		t.Errorf("the reason is %v", err)
	}
}

// failsOnce is a listener whose first Accept fails.
type failsOnce struct {
	net.Listener
	once sync.Once
}

func (f *failsOnce) Accept() (c net.Conn, err error) {
	f.once.Do(func() { err = errors.New("accept: too many open files") })
	if err != nil {
		return nil, err
	}
	return f.Listener.Accept()
}
