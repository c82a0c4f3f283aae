package container

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
)

// socketEntry is the entry of a container's scratch directory with the sockets of its
// ports. Any user of this machine could connect to a loopback port instead.
const socketEntry = "sockets"

// sockets are the ports of an isolated container.
type sockets struct {
	// dir is kept open to name sockets by its descriptor, since a socket's path is
	// limited to about 100 bytes.
	dir *os.File
	// listeners are for the container's init, in the order of its ports.
	listeners []*os.File

	// dialing is read-locked to dial, and locked to close.
	dialing sync.RWMutex
	closed  bool
}

// openSockets listens on a container's ports, in an existing directory.
func openSockets(dir string, ports []int) (*sockets, error) {
	open, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	s := &sockets{dir: open}
	for _, port := range ports {
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: s.path(port), Net: "unix"})
		if err != nil {
			closeAll(s.listeners)
			s.close()
			return nil, err
		}
		l.SetUnlinkOnClose(false)
		file, err := l.File()
		if err = errors.Join(err, l.Close()); err != nil {
			closeAll(s.listeners)
			s.close()
			return nil, err
		}
		s.listeners = append(s.listeners, file)
	}
	return s, nil
}

func (s *sockets) path(port int) string { return fmt.Sprintf("/proc/self/fd/%d/%d", s.dir.Fd(), port) }

// dial connects to a port. After close it returns net.ErrClosed.
func (s *sockets) dial(ctx context.Context, port int) (net.Conn, error) {
	s.dialing.RLock()
	defer s.dialing.RUnlock()
	if s.closed {
		return nil, net.ErrClosed
	}
	dialer := net.Dialer{Timeout: dialTimeout}
	return dialer.DialContext(ctx, "unix", s.path(port))
}

func (s *sockets) close() {
	s.dialing.Lock()
	defer s.dialing.Unlock()
	s.closed = true
	_ = s.dir.Close()
}
