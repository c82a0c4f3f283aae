package testenv

import (
	"net"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// inNetwork calls f, which opens a socket, in the node's network namespace. The socket stays there.
func (n *node) inNetwork(f func() error) {
	n.Helper()
	runtime.LockOSThread() // a namespace is that of a thread
	defer runtime.UnlockOSThread()
	own := n.namespace("/proc/thread-self")
	defer unix.Close(own)
	nodes := n.namespace(filepath.Join("/proc", strings.TrimPrefix(n.enter[1], "--target=")))
	defer unix.Close(nodes)
	if err := unix.Setns(nodes, unix.CLONE_NEWNET); err != nil {
		n.Fatal(err)
	}
	err := f()
	if back := unix.Setns(own, unix.CLONE_NEWNET); back != nil {
		runtime.LockOSThread() // the thread ends with its goroutine, and no other gets it
		n.Fatal(back)
	}
	if err != nil {
		n.Fatal(err)
	}
}

// namespace opens the network namespace of a process.
func (n *node) namespace(process string) int {
	n.Helper()
	opened, err := unix.Open(filepath.Join(process, "ns", "net"), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		n.Fatal(err)
	}
	return opened
}

// forward forwards the connections to an address of the node to an address of this machine, until
// the test ends. The node has no other way to this machine.
func (n *node) forward(from, to string) {
	n.Helper()
	var listener net.Listener
	n.inNetwork(func() (err error) { listener, err = net.Listen("tcp", from); return err })
	n.Cleanup(func() { _ = listener.Close() })
	go relay(listener, "tcp", to)
}
