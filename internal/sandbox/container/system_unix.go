//go:build unix

package container

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// canTerminate tells that a program can be asked to end.
const canTerminate = true

func signalName(s syscall.Signal) string { return unix.SignalName(s) }

// signal sends to the container's process group, or to its first process alone,
// which ends a PID namespace by its end.
func (p *Process) signal(s syscall.Signal) error {
	if p.group {
		return syscall.Kill(-p.process.Pid, s)
	}
	return p.process.Signal(s)
}

func killGroup(pid int) { _ = syscall.Kill(-pid, syscall.SIGKILL) }
