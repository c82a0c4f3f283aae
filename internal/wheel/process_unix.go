//go:build unix

package wheel

import (
	"os/exec"
	"syscall"
)

// setProcessGroup makes the program the leader of a new process group, which includes its
// children.
func setProcessGroup(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// killProcessGroup kills the program's process group.
func killProcessGroup(c *exec.Cmd) error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
