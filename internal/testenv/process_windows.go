package testenv

import "os/exec"

func group(*exec.Cmd) {}

// end kills a process, unless it ended before.
func end(c *exec.Cmd) {
	if c.ProcessState == nil {
		kill(c)
	}
}

// kill ends a process and waits for it.
func kill(c *exec.Cmd) {
	_ = c.Process.Kill()
	_ = c.Wait()
}
