package testbed

import "os/exec"

func group(*exec.Cmd) {}

// end ends a process.
func end(c *exec.Cmd) {
	if c.ProcessState == nil {
		kill(c)
	}
}

// kill ends a process without asking it.
func kill(c *exec.Cmd) {
	_ = c.Process.Kill()
	_ = c.Wait()
}
