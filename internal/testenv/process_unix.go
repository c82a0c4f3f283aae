//go:build unix

package testenv

import (
	"os/exec"
	"syscall"
	"time"
)

// group puts a process and its children into a process group of their own.
func group(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// end ends a process group with SIGTERM, and with SIGKILL after 5 s. It waits for the
// process.
func end(c *exec.Cmd) {
	if c.ProcessState != nil {
		return // it ended before
	}
	_ = syscall.Kill(-c.Process.Pid, syscall.SIGTERM)
	timer := time.AfterFunc(5*time.Second, func() { _ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) })
	_ = c.Wait()
	timer.Stop()
	_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) // processes that are left in the group
}

// kill ends a process group with SIGKILL and waits for the process.
func kill(c *exec.Cmd) {
	_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL)
	_ = c.Wait()
}
