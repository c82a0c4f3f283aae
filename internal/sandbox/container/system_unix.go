//go:build unix

package container

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// canTerminate reports whether a program can be asked to end.
const canTerminate = true

func signalName(s syscall.Signal) string { return unix.SignalName(s) }

// signal sends a signal to the container's process group or, if it has a PID namespace,
// to its first process alone, whose end ends the namespace.
func (p *Process) signal(s syscall.Signal) error {
	if p.group {
		return syscall.Kill(-p.process.Pid, s)
	}
	return p.process.Signal(s)
}

func killGroup(pid int) { _ = syscall.Kill(-pid, syscall.SIGKILL) }
