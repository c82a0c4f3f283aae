//go:build unix

package wheel

import (
	"os/exec"
	"syscall"
)

// group gives a program a process group of its own, with all that it starts.
func group(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// end ends the program's group.
func end(c *exec.Cmd) error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
