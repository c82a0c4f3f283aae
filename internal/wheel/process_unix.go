//go:build unix

package wheel

import (
	"os/exec"
	"syscall"
)

// group makes the program the leader of a new process group, which includes its children.
func group(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// end kills the program's process group.
func end(c *exec.Cmd) error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
