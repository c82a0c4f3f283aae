package cluster

import (
	"errors"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/slipway-ci/slipway/internal/panics"
)

// maxIdle is the maximum number of tunnels that wait for a connection.
const maxIdle = 8

// pool has the tunnels of a route. A tunnel carries one connection at a time: the streams of
// a tunnel have no flow control of their own, so that one that is read slowly would stop the
// others. A tunnel whose connection has ended well is used again.
type pool struct {
	// lost is called when the last tunnel to the pod is lost or closed.
	lost func()

	mu sync.Mutex
	// open has all tunnels with the identity of the pod that they lead to.
	open map[*Tunnel]types.UID
	idle []*Tunnel
	// uid is the pod that new connections use.
	uid types.UID
	// loss reports whether the last tunnel to the pod was lost.
	loss, closed bool
	// ending counts the tunnels that are being closed.
	ending panics.WaitGroup
}

// errClosed reports that a route is not followed any more.
var errClosed = errors.New("the port is no longer forwarded")

// add adds a tunnel to a pod. It closes the tunnel if the pool is closed.
func (p *pool) add(t *Tunnel, uid types.UID) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		panics.Go(func() { _ = t.Close() }, func(error) {}) // close does not wait for it any more
		return errClosed
	}
	if p.open == nil {
		p.open = map[*Tunnel]types.UID{}
	}
	p.open[t] = uid
	panics.Go(func() {
		<-t.Closed()
		p.remove(t)
	}, func(error) {})
	return nil
}

// remove removes a tunnel that has ended by itself.
func (p *pool) remove(t *Tunnel) {
	p.mu.Lock()
	uid, ours := p.open[t]
	p.forget(t)
	last := ours && uid == p.uid && !p.holds(uid)
	p.loss = p.loss || last
	p.mu.Unlock()
	if last {
		p.lost()
	}
}

// takeLoss reports whether the last tunnel to the pod was lost since it was asked before.
func (p *pool) takeLoss() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	was := p.loss
	p.loss = false
	return was
}

// has reports whether there is a tunnel to a pod.
func (p *pool) has(uid types.UID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.holds(uid)
}

func (p *pool) holds(uid types.UID) bool {
	for _, of := range p.open {
		if of == uid {
			return true
		}
	}
	return false
}

// use makes a pod the one that new connections use. Idle tunnels to others are closed.
func (p *pool) use(uid types.UID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.uid = uid
	for _, t := range slices.Clone(p.idle) {
		if p.open[t] != uid {
			p.end(t)
		}
	}
}

// drop closes the tunnels to the pods that which reports.
func (p *pool) drop(which func(types.UID) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for t, uid := range p.open {
		if which(uid) {
			p.end(t)
		}
	}
}

// dropIdle closes the idle tunnels.
func (p *pool) dropIdle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range slices.Clone(p.idle) {
		p.end(t)
	}
}

// take returns an idle tunnel to a pod, or nil.
func (p *pool) take(uid types.UID) *Tunnel {
	p.mu.Lock()
	defer p.mu.Unlock()
	for n := len(p.idle) - 1; n >= 0; n-- {
		if t := p.idle[n]; p.open[t] == uid {
			p.idle = slices.Delete(p.idle, n, n+1)
			return t
		}
	}
	return nil
}

// put keeps a tunnel for the next connection, or closes it.
func (p *pool) put(t *Tunnel) {
	p.mu.Lock()
	defer p.mu.Unlock()
	uid, open := p.open[t]
	switch {
	case !open: // it was lost
	case uid != p.uid, len(p.idle) == maxIdle:
		p.end(t)
	default:
		p.idle = append(p.idle, t)
	}
}

// discard closes a tunnel, unless it has ended already.
func (p *pool) discard(t *Tunnel) {
	p.mu.Lock()
	uid, open := p.open[t]
	if open {
		p.end(t)
	}
	last := open && uid == p.uid && !p.holds(uid)
	p.mu.Unlock()
	if last {
		p.lost()
	}
}

// closeTimeout is how long the closing of tunnels is waited for. It blocks when the other end
// does not read.
const closeTimeout = 2 * time.Second

// close closes all tunnels, and waits until they are closed, for a short time.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	for t := range p.open {
		p.end(t)
	}
	p.mu.Unlock()
	p.ending.WaitAtMost(closeTimeout)
}

// end forgets a tunnel and closes it. Closing sends, and so does not happen under the lock.
func (p *pool) end(t *Tunnel) {
	p.forget(t)
	p.ending.Go(func() { _ = t.Close() })
}

func (p *pool) forget(t *Tunnel) {
	delete(p.open, t)
	p.idle = slices.DeleteFunc(p.idle, func(x *Tunnel) bool { return x == t })
}

// pooledConn is a connection over a tunnel of a pool.
type pooledConn struct {
	*podConn
	tunnels *pool
	// ended reports whether the pod has sent all.
	ended  atomic.Bool
	closed sync.Once
}

// Read implements net.Conn.
func (c *pooledConn) Read(text []byte) (int, error) {
	n, err := c.podConn.Read(text)
	if err == io.EOF { //nolint:errorlint // it comes bare
		c.ended.Store(true)
	}
	return n, err
}

// Close implements net.Conn. It gives the tunnel back if the pod has ended the connection.
// Otherwise it closes the tunnel, because the pod may go on sending.
func (c *pooledConn) Close() error {
	var err error
	c.closed.Do(func() {
		ended := c.ended.Load() // closing ends a read, too
		err = c.podConn.Close()
		if ended {
			c.tunnels.put(c.tunnel)
		} else {
			c.tunnels.discard(c.tunnel)
		}
	})
	return err
}
