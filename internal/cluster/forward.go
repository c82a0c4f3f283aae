package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/httpstream"

	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/timeouts"
)

// DialPod connects to a port of a pod, through the API server and the pod's kubelet, as
// kubectl port-forward does, but without a local port. ctx bounds only the connecting, as
// for OpenTunnel. Deadlines of the connection have no effect. Closing it ends pending reads
// and writes.
func (c *Cluster) DialPod(ctx context.Context, pod string, port int) (net.Conn, error) {
	tunnel, err := c.OpenTunnel(ctx, pod)
	if err != nil {
		return nil, err
	}
	connection, err := tunnel.open(port)
	if err != nil {
		_ = tunnel.Close()
		return nil, err
	}
	return soleConn{connection}, nil
}

// soleConn is the only connection of a tunnel. Closing it closes the tunnel.
type soleConn struct{ *podConn }

// Close implements net.Conn.
func (s soleConn) Close() error { return errors.Join(s.podConn.Close(), s.tunnel.Close()) }

// Tunnel is a connection to a pod through the API server and the pod's kubelet. Connections
// to ports of the pod are streams of it.
type Tunnel struct {
	pod        string
	connection httpstream.Connection
	// requests is how many connections were opened, whose numbers tell them apart.
	requests atomic.Int64
}

// OpenTunnel connects to a pod. It uses WebSockets, or SPDY if the server is older than 1.30
// or a proxy supports only SPDY. ctx bounds only the connecting, for which there is a
// timeout of a minute too.
func (c *Cluster) OpenTunnel(ctx context.Context, pod string) (*Tunnel, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, limits.Response, &timeouts.Error{Host: "the API server of cluster " + c.Name, Limit: limits.Response})
	defer cancel()
	url := c.Client.CoreV1().RESTClient().Post().Resource("pods").Namespace(c.Namespace).Name(pod).SubResource("portforward").URL()
	connection, err := upgrade(ctx, url, c.config)
	if apierrors.IsForbidden(err) {
		return nil, fmt.Errorf("reach pod %s: %w (needs permission to create pods/portforward, which slipway doctor prints as a Role)", pod, err)
	}
	if err != nil {
		return nil, fmt.Errorf("reach pod %s: %w", pod, err)
	}
	return &Tunnel{pod: pod, connection: connection}, nil
}

// Dial connects to a port of the pod. It has no context, because closing the tunnel ends it.
// Whether anything listens on the port is only known when something is read.
func (t *Tunnel) Dial(port int) (net.Conn, error) { return t.open(port) }

// Close closes the tunnel and all its connections.
func (t *Tunnel) Close() error { return t.connection.Close() }

// Closed returns a channel that is closed when the tunnel is closed or lost.
func (t *Tunnel) Closed() <-chan bool { return t.connection.CloseChan() }

// open requests a port by opening two streams: one for its data, and one for the error if it
// fails (k8s.io/client-go/tools/portforward). Each waits for an answer of the server, so both are
// opened at the same time: the kubelet takes them in either order.
func (t *Tunnel) open(port int) (*podConn, error) {
	id := strconv.FormatInt(t.requests.Add(1)-1, 10)
	f := &podConn{tunnel: t, errorsEnded: make(chan struct{})}
	var both panics.Group
	for kind, stream := range map[string]*httpstream.Stream{corev1.StreamTypeError: &f.failures, corev1.StreamTypeData: &f.data} {
		both.Go(func() (err error) {
			headers := http.Header{}
			headers.Set(corev1.PortHeader, strconv.Itoa(port))
			headers.Set(corev1.PortForwardRequestIDHeader, id)
			headers.Set(corev1.StreamType, kind)
			*stream, err = t.connection.CreateStream(headers)
			return err
		})
	}
	if err := both.Wait(); err != nil {
		for _, stream := range []httpstream.Stream{f.failures, f.data} {
			if stream != nil {
				_ = stream.Reset()
			}
		}
		return nil, fmt.Errorf("reach pod %s: %w", t.pod, err)
	}
	_ = f.failures.Close() // nothing is written to it
	panics.Go(f.watch, func(err error) { f.fail(err) })
	return f, nil
}

// podConn is a connection to a pod through the API server.
type podConn struct {
	tunnel         *Tunnel
	data, failures httpstream.Stream
	// errorsEnded is closed when the stream of errors has ended.
	errorsEnded chan struct{}

	mu  sync.Mutex
	err error
}

// errorWait is how long an ended connection waits for the kubelet's error, since the
// two streams may end in either order.
const errorWait = time.Second

// watch ends the connection when the kubelet reports an error. It returns when the
// connection ends.
func (f *podConn) watch() {
	defer close(f.errorsEnded)
	said, err := io.ReadAll(io.LimitReader(f.failures, 4<<10))
	if err != nil || len(said) == 0 {
		return
	}
	f.fail(fmt.Errorf("pod %s closed the connection: %s", f.tunnel.pod, bytes.TrimSpace(said)))
}

// fail records why the connection failed and ends it.
func (f *podConn) fail(err error) {
	f.mu.Lock()
	f.err = err
	f.mu.Unlock()
	_ = f.data.Reset()
}

// Read implements net.Conn. Its error is that of the kubelet, if there is one, and
// io.ErrUnexpectedEOF if the tunnel was lost: a stream then ends as if the pod had sent all.
func (f *podConn) Read(text []byte) (int, error) {
	n, err := f.data.Read(text)
	if err == io.EOF { //nolint:errorlint // it comes bare
		select {
		case <-f.tunnel.Closed():
			err = fmt.Errorf("the connection to pod %s was lost: %w", f.tunnel.pod, io.ErrUnexpectedEOF)
		default:
		}
	}
	return n, f.cause(err)
}

// Write implements net.Conn. Its error is that of the kubelet, if there is one.
func (f *podConn) Write(text []byte) (int, error) {
	n, err := f.data.Write(text)
	return n, f.cause(err)
}

// cause returns the kubelet's error if there is one, and err otherwise.
func (f *podConn) cause(err error) error {
	if err == nil {
		return nil
	}
	select {
	case <-f.errorsEnded:
	case <-time.After(errorWait):
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return f.err
	}
	return err
}

// CloseWrite tells the pod that nothing more is written.
func (f *podConn) CloseWrite() error { return f.data.Close() }

// Close closes the streams. The tunnel stays open.
func (f *podConn) Close() error {
	err := errors.Join(f.data.Reset(), f.failures.Reset())
	f.tunnel.connection.RemoveStreams(f.data, f.failures)
	return err
}

// address is the net.Addr of both ends of a connection: the name of the pod. It is only
// informative.
type address string

func (address) Network() string  { return "kubernetes" }
func (a address) String() string { return string(a) }

func (f *podConn) LocalAddr() net.Addr  { return address(f.tunnel.pod) }
func (f *podConn) RemoteAddr() net.Addr { return address(f.tunnel.pod) }

// The deadlines do nothing. Callers bound their calls with contexts and close the
// connection.
func (f *podConn) SetDeadline(time.Time) error      { return nil }
func (f *podConn) SetReadDeadline(time.Time) error  { return nil }
func (f *podConn) SetWriteDeadline(time.Time) error { return nil }
