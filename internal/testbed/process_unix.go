//go:build unix

package testbed

import (
	"os/exec"
	"syscall"
	"time"
)

// group gives a process a group of its own, with all that it starts.
func group(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// end asks a process's group to end, and makes it.
func end(c *exec.Cmd) {
	if c.ProcessState != nil {
		return // it has ended before
	}
	_ = syscall.Kill(-c.Process.Pid, syscall.SIGTERM)
	timer := time.AfterFunc(5*time.Second, func() { _ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) })
	_ = c.Wait()
	timer.Stop()
	_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) // what it left
}

// kill ends a process's group without asking it.
func kill(c *exec.Cmd) {
	_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL)
	_ = c.Wait()
}
