package testbed

import "os/exec"

func group(*exec.Cmd) {}

// end ends a process.
func end(c *exec.Cmd) {
	_ = c.Process.Kill()
	_ = c.Wait()
}
