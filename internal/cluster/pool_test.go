package cluster

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/httpstream"
)

// wire is a fake connection to a pod. Each port answers with the text of answer, and then
// with end.
type wire struct {
	httpstream.Connection
	answer string
	end    error

	mu     sync.Mutex
	opened int
	closed chan bool
	once   sync.Once
}

func newWire(answer string, end error) *wire {
	return &wire{answer: answer, end: end, closed: make(chan bool)}
}

func (w *wire) CreateStream(headers http.Header) (httpstream.Stream, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.closed:
		return nil, errors.New("closed")
	default:
	}
	if headers.Get("streamType") == "error" {
		return stream{Reader: reader(func() {})}, nil
	}
	w.opened++
	return stream{Reader: &ending{answer: w.answer, end: w.end}}, nil
}

func (w *wire) RemoveStreams(...httpstream.Stream) {}
func (w *wire) CloseChan() <-chan bool             { return w.closed }
func (w *wire) Close() error                       { w.once.Do(func() { close(w.closed) }); return nil }

func (w *wire) isClosed() bool {
	select {
	case <-w.closed:
		return true
	default:
		return false
	}
}

// ending reads an answer and then an error.
type ending struct {
	answer string
	end    error
}

func (e *ending) Read(text []byte) (int, error) {
	if e.answer == "" {
		return 0, e.end
	}
	n := copy(text, e.answer)
	e.answer = e.answer[n:]
	return n, nil
}

// TestPool has a tunnel used again after a connection that the pod has ended, and closed
// after one that it has not, and after the end of the pool.
func TestPool(t *testing.T) {
	woken := make(chan struct{}, 10)
	p := &pool{lost: func() { woken <- struct{}{} }}
	p.use("one")
	add := func(w *wire, uid string) *Tunnel {
		t.Helper()
		tunnel := &Tunnel{pod: uid, connection: w}
		if err := p.add(tunnel, "one"); err != nil {
			t.Fatal(err)
		}
		return tunnel
	}
	dial := func(tunnel *Tunnel) *pooledConn {
		t.Helper()
		connection, err := tunnel.open(80)
		if err != nil {
			t.Fatal(err)
		}
		return &pooledConn{podConn: connection, tunnels: p}
	}

	first := newWire("hello", io.EOF)
	tunnel := add(first, "one")
	for n := 1; n <= 3; n++ {
		connection := dial(tunnel)
		if said, err := io.ReadAll(connection); err != nil || string(said) != "hello" {
			t.Errorf("it says %q, %v", said, err)
		}
		_, _ = connection.Close(), connection.Close()
		if again := p.take("one"); again != tunnel || p.take("one") != nil || first.opened != n {
			t.Fatalf("after %d connections the tunnel is %v", first.opened, again)
		}
	}
	if p.put(tunnel); p.take("other") != nil {
		t.Error("another pod's tunnel is used")
	}
	if early := dial(p.take("one")); early.Close() != nil || p.take("one") != nil {
		t.Error("a tunnel is used again whose connection the pod has not ended")
	}
	<-first.closed
	<-woken
	if p.takeLoss() || p.has("one") {
		t.Error("a tunnel that was closed counts as lost")
	}

	second := newWire("", errors.New("reset"))
	_ = add(second, "one")
	_ = second.Close() // the server has gone
	<-woken
	if !p.takeLoss() || p.takeLoss() || p.has("one") {
		t.Error("a tunnel that was lost does not count as lost, once")
	}

	third, fourth := newWire("", io.EOF), newWire("", io.EOF)
	p.put(add(third, "one"))
	if p.use("two"); p.take("one") != nil {
		t.Error("the tunnel of a pod that is not used any more is kept")
	}
	<-third.closed
	_ = add(fourth, "one")
	if p.close(); !fourth.isClosed() {
		t.Error("a tunnel outlives the pool")
	}
	fifth := newWire("", io.EOF)
	if err := p.add(&Tunnel{pod: "late", connection: fifth}, "one"); !errors.Is(err, errClosed) {
		t.Errorf("a tunnel is added after the end: %v", err)
	}
	<-fifth.closed
}

// TestLostTunnel checks that a connection whose tunnel is lost does not end as if the pod had
// sent all: a download would be cut short without an error.
func TestLostTunnel(t *testing.T) {
	w := newWire("the first half", io.EOF)
	connection, err := (&Tunnel{pod: "train", connection: w}).open(80)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if _, err := io.ReadFull(connection, make([]byte, len("the first half"))); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	if said, err := io.ReadAll(connection); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("it ends with %q, %v", said, err)
	}
}

// TestRouteDialsAgain has a route whose idle tunnels are dead, and one that has ended.
func TestRouteDialsAgain(t *testing.T) {
	pod := &routePod{name: "train", uid: "one", port: 80}
	r := &Route{service: &Service{cluster: &Cluster{}}, look: make(chan struct{}, 1), changed: make(chan struct{}), pod: pod}
	r.tunnels.lost = func() {}
	r.tunnels.use("one")
	for range 3 {
		w := newWire("", io.EOF)
		tunnel := &Tunnel{pod: "train", connection: &deaf{w}}
		if err := r.tunnels.add(tunnel, "one"); err != nil {
			t.Fatal(err)
		}
		r.tunnels.put(tunnel)
	}
	if _, err := r.reuse(t.Context(), pod, time.Millisecond); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a dead tunnel: %v", err)
	}
	if r.tunnels.take("one") != nil {
		t.Error("tunnels as old as a dead one are kept")
	}
	tunnel := &Tunnel{pod: "train", connection: newWire("hello", io.EOF)}
	if err := r.tunnels.add(tunnel, "one"); err != nil {
		t.Fatal(err)
	}
	r.tunnels.put(tunnel)
	if connection, err := r.reuse(t.Context(), pod, time.Minute); err != nil {
		t.Error(err)
	} else if said, err := io.ReadAll(connection); err != nil || string(said) != "hello" {
		t.Errorf("it says %q, %v", said, err)
	}
}

// deaf is a connection to a server that does not answer any more.
type deaf struct{ *wire }

func (d *deaf) CreateStream(http.Header) (httpstream.Stream, error) {
	<-d.closed
	return nil, errors.New("closed")
}
