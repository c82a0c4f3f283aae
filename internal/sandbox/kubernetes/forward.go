package kubernetes

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"

	"github.com/gorilla/websocket"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/httpstream"
	"k8s.io/apimachinery/pkg/util/httpstream/spdy"
	"k8s.io/apimachinery/pkg/util/httpstream/wsstream"
	protocol "k8s.io/apimachinery/pkg/util/portforward"
	"k8s.io/client-go/tools/portforward"

	"github.com/slipway-ci/slipway/internal/panics"
)

// forward forwards ports of a pod until the client leaves. Like an API server it takes
// SPDY, by itself or in a WebSocket.
func (s *Server) forward(w http.ResponseWriter, r *http.Request, pod *corev1.Pod) error {
	if pod.Status.Phase != corev1.PodRunning {
		return apierrors.NewBadRequest(fmt.Sprintf("unable to forward port because pod is not running. Current status=%v", pod.Status.Phase))
	}
	f := &forwarding{pairs: map[string]*streamPair{}, ready: make(chan *streamPair), done: make(chan struct{}), dial: func(ctx context.Context, port int) (net.Conn, error) {
		return s.workloads.Dial(ctx, pod.Name, port)
	}}
	connection, err := f.upgrade(hijackable{w}, r)
	if err != nil || connection == nil {
		return err
	}
	defer connection.Close()
	defer close(f.done)
	f.accept(r.Context(), connection)
	return nil
}

// forwarding is one connection of a client, over which it forwards ports.
type forwarding struct {
	dial func(ctx context.Context, port int) (net.Conn, error)

	mu sync.Mutex
	// pairs are the streams of requests that lack a stream, by the requests' ids.
	pairs map[string]*streamPair
	// ready gets the requests that have both streams, until done is closed.
	ready chan *streamPair
	done  chan struct{}
}

// streamPair are the two streams of a forwarded connection: its data, and the error if it
// fails.
type streamPair struct{ data, failure httpstream.Stream }

// upgrade makes the request a connection with streams. It returns nil if it has refused
// the request itself.
func (f *forwarding) upgrade(w http.ResponseWriter, r *http.Request) (httpstream.Connection, error) {
	if wsstream.IsWebSocketRequest(r) {
		if !wsstream.IsWebSocketRequestWithTunnelingProtocol(r) {
			return nil, apierrors.NewBadRequest("only the WebSocket subprotocol " + protocol.WebsocketsSPDYTunnelingPortForwardV1 + " is supported")
		}
		upgrader := websocket.Upgrader{Subprotocols: []string{protocol.WebsocketsSPDYTunnelingPortForwardV1}}
		socket, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return nil, nil //nolint:nilerr // it has responded
		}
		return spdy.NewServerConnection(portforward.NewTunnelingConnection("sandbox", socket), f.take)
	}
	if !httpstream.IsUpgradeRequest(r) {
		return nil, apierrors.NewBadRequest("Upgrade request required")
	}
	if _, err := httpstream.Handshake(r, w, []string{protocol.PortForwardV1Name}); err != nil {
		return nil, nil //nolint:nilerr // it has responded
	}
	connection := spdy.NewResponseUpgrader().UpgradeResponse(w, r, f.take)
	if connection == nil {
		return nil, nil
	}
	return connection, nil
}

// take takes a new stream. It runs while the connection waits.
func (f *forwarding) take(stream httpstream.Stream, replied <-chan struct{}) error {
	id := stream.Headers().Get(corev1.PortForwardRequestIDHeader)
	if port, err := strconv.Atoi(stream.Headers().Get(corev1.PortHeader)); err != nil || port < 1 || port > 65535 {
		return fmt.Errorf("%q is not a port", stream.Headers().Get(corev1.PortHeader))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	pair := f.pairs[id]
	if pair == nil {
		pair = &streamPair{}
		f.pairs[id] = pair
	}
	switch kind := stream.Headers().Get(corev1.StreamType); kind {
	case corev1.StreamTypeData:
		pair.data = stream
	case corev1.StreamTypeError:
		pair.failure = stream
	default:
		return fmt.Errorf("%q is not a type of stream", kind)
	}
	if pair.data != nil && pair.failure != nil {
		delete(f.pairs, id)
		panics.Go(func() {
			<-replied
			select {
			case f.ready <- pair:
			case <-f.done:
			}
		}, func(error) {})
	}
	return nil
}

// accept forwards connections until the client closes its connection.
func (f *forwarding) accept(ctx context.Context, connection httpstream.Connection) {
	ctx, cancel := context.WithCancel(ctx)
	var group panics.WaitGroup
	defer group.Wait()
	defer cancel()
	for {
		select {
		case <-connection.CloseChan():
			return
		case <-ctx.Done():
			return
		case pair := <-f.ready:
			group.Go(func() {
				defer connection.RemoveStreams(pair.data, pair.failure)
				f.copy(ctx, pair)
			})
		}
	}
}

// copy copies between a connection of the client and the pod.
func (f *forwarding) copy(ctx context.Context, pair *streamPair) {
	defer pair.failure.Close()
	defer pair.data.Reset() //nolint:errcheck // the client may have left
	port, _ := strconv.Atoi(pair.data.Headers().Get(corev1.PortHeader))
	target, err := f.dial(ctx, port)
	if err != nil {
		_, _ = fmt.Fprintf(pair.failure, "error forwarding port %d to pod: %v", port, err)
		return
	}
	defer target.Close()
	stop := context.AfterFunc(ctx, func() { _ = target.Close() })
	defer stop()
	panics.Go(func() {
		_, _ = io.Copy(target, pair.data)
		if half, ok := target.(interface{ CloseWrite() error }); ok {
			_ = half.CloseWrite()
		}
	}, func(error) {})
	_, _ = io.Copy(pair.data, target)
	_ = pair.data.Close()
}

// hijackable is a response that can be hijacked although it is wrapped.
type hijackable struct{ http.ResponseWriter }

// Hijack implements http.Hijacker.
func (h hijackable) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return http.NewResponseController(h.ResponseWriter).Hijack()
}
