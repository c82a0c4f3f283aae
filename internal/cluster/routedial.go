package cluster

import (
	"context"
	"errors"
	"net"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/slipway-ci/slipway/internal/panics"
)

// dialTimeout is how long a connection waits for a pod that is ready.
const dialTimeout = 30 * time.Second

// Dial connects to the pod. If none is ready, or it cannot be reached, it waits for one, at
// most 30 s. It returns at once if the cluster refuses the connection, if the namespace does not
// exist, or if the route is not followed any more.
func (r *Route) Dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	for failures := 0; ; {
		r.mu.Lock()
		pod, err, changed := r.pod, r.why, r.changed
		r.mu.Unlock()
		var again <-chan time.Time
		if pod != nil {
			var connection net.Conn
			if connection, err = r.dial(ctx, pod); err == nil {
				return connection, nil
			}
			r.wake()
			again = time.After(min(firstPause<<min(failures, 10), longestPause))
			failures++
		}
		if isFinal(err) {
			return nil, err
		}
		select {
		case <-changed:
		case <-again:
		case <-ctx.Done():
			return nil, err
		}
	}
}

// reuseTimeout is how long an idle tunnel may take to open a connection. After a change of the
// network it would take until the connection to the server times out.
const reuseTimeout = 3 * time.Second

// dial connects to a pod, over an idle tunnel if there is one that works.
func (r *Route) dial(ctx context.Context, pod *routePod) (net.Conn, error) {
	if connection, err := r.reuse(ctx, pod, reuseTimeout); err == nil {
		return connection, nil
	}
	t, err := r.connect(ctx, pod)
	if err != nil {
		return nil, err
	}
	return r.open(ctx, t, pod)
}

// errNoTunnel reports that there is no idle tunnel.
var errNoTunnel = errors.New("there is no idle connection")

// reuse connects to a pod over an idle tunnel. If that fails, it closes the other idle tunnels,
// too: they are as old.
func (r *Route) reuse(ctx context.Context, pod *routePod, limit time.Duration) (net.Conn, error) {
	t := r.tunnels.take(pod.uid)
	if t == nil {
		return nil, errNoTunnel
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	connection, err := r.open(ctx, t, pod)
	if err != nil {
		r.tunnels.dropIdle()
	}
	return connection, err
}

// open opens a connection over a tunnel. It discards the tunnel if that fails.
func (r *Route) open(ctx context.Context, t *Tunnel, pod *routePod) (net.Conn, error) {
	var connection *podConn
	err := panics.CallContext(ctx, func() (err error) { // opening a stream takes no context
		connection, err = t.open(pod.port)
		return err
	})
	if err != nil {
		r.tunnels.discard(t)
		return nil, err
	}
	return &pooledConn{podConn: connection, tunnels: &r.tunnels}, nil
}

// isFinal reports whether it is of no use to wait for a pod: the cluster refuses the request, the
// namespace does not exist, or the route is not followed any more.
func isFinal(err error) bool {
	return errors.Is(err, errClosed) || errors.As(err, new(*NoNamespaceError)) || apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err)
}
