package dockerfile

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
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/httpstream"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
)

// forward gives a connection to buildkitd's port in its pod, through the API server
// and the pod's kubelet, as kubectl port-forward has them, with no port on this
// machine. It speaks WebSockets, or SPDY where the server is older than 1.30 or a
// proxy before it knows only that.
func (k *Kubernetes) forward(ctx context.Context, clients kubernetes.Interface, pod string) (net.Conn, error) {
	url := clients.CoreV1().RESTClient().Post().Resource("pods").Namespace(k.Namespace).Name(pod).SubResource("portforward").URL()
	transport, upgrader, err := spdy.RoundTripperFor(k.Config)
	if err != nil {
		return nil, fmt.Errorf("reach pod %s: %w", pod, err)
	}
	primary, err := portforward.NewSPDYOverWebsocketDialer(url, k.Config)
	if err != nil {
		return nil, fmt.Errorf("reach pod %s: %w", pod, err)
	}
	dialer := portforward.NewFallbackDialer(primary, spdy.NewDialer(upgrader, &http.Client{Transport: transport}, http.MethodPost, url),
		func(err error) bool { return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err) })
	type dialled struct {
		connection httpstream.Connection
		err        error
	}
	result := make(chan dialled, 1)
	go func() { // the dialer knows no context
		connection, _, err := dialer.Dial(portforward.PortForwardProtocolV1Name)
		result <- dialled{connection, err}
	}()
	select {
	case d := <-result:
		if d.err != nil {
			return nil, fmt.Errorf("reach pod %s: %w", pod, d.err)
		}
		connection, err := openStreams(d.connection)
		if err != nil {
			_ = d.connection.Close()
			return nil, fmt.Errorf("reach pod %s: %w", pod, err)
		}
		return connection, nil
	case <-ctx.Done():
		go func() {
			if d := <-result; d.connection != nil {
				_ = d.connection.Close()
			}
		}()
		return nil, ctx.Err()
	}
}

// openStreams asks for a port: one stream has its bytes, another why there are none
// (k8s.io/client-go/tools/portforward).
func openStreams(connection httpstream.Connection) (net.Conn, error) {
	headers := http.Header{}
	headers.Set(corev1.PortHeader, strconv.Itoa(port))
	headers.Set(corev1.PortForwardRequestIDHeader, "0")
	headers.Set(corev1.StreamType, corev1.StreamTypeError)
	failures, err := connection.CreateStream(headers)
	if err != nil {
		return nil, err
	}
	_ = failures.Close() // nothing is written to it
	headers.Set(corev1.StreamType, corev1.StreamTypeData)
	data, err := connection.CreateStream(headers)
	if err != nil {
		return nil, err
	}
	f := &forwarded{connection: connection, data: data}
	go f.watch(failures)
	return f, nil
}

// forwarded is a connection through the API server.
type forwarded struct {
	connection httpstream.Connection
	data       httpstream.Stream

	mu  sync.Mutex
	err error
}

// watch ends the connection when the kubelet says that it failed. It ends with the
// connection.
func (f *forwarded) watch(failures io.Reader) {
	said, err := io.ReadAll(io.LimitReader(failures, 4<<10))
	if err != nil || len(said) == 0 {
		return
	}
	f.mu.Lock()
	f.err = fmt.Errorf("the pod of buildkitd ended the connection: %s", bytes.TrimSpace(said))
	f.mu.Unlock()
	_ = f.connection.Close()
}

func (f *forwarded) Read(text []byte) (int, error) {
	n, err := f.data.Read(text)
	return n, f.cause(err)
}

func (f *forwarded) Write(text []byte) (int, error) {
	n, err := f.data.Write(text)
	return n, f.cause(err)
}

// cause is why the connection ended, where the kubelet said it.
func (f *forwarded) cause(err error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil && f.err != nil {
		return f.err
	}
	return err
}

// Close ends the streams and what they are on.
func (f *forwarded) Close() error {
	return errors.Join(f.data.Reset(), f.connection.Close())
}

// address is that of either end; what it is nobody asks.
type address struct{}

func (address) Network() string { return "kubernetes" }
func (address) String() string  { return objectName }

func (f *forwarded) LocalAddr() net.Addr  { return address{} }
func (f *forwarded) RemoteAddr() net.Addr { return address{} }

// gRPC bounds its calls by contexts, and closes the connection to end one.
func (f *forwarded) SetDeadline(time.Time) error      { return nil }
func (f *forwarded) SetReadDeadline(time.Time) error  { return nil }
func (f *forwarded) SetWriteDeadline(time.Time) error { return nil }
