//go:build unix

package sandbox

import "syscall"

// detached gives a process a session of its own: no terminal's signals reach it.
func detached() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
