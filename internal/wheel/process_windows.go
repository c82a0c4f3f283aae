package wheel

import (
	"os/exec"
	"strconv"
	"syscall"
)

// group keeps an interruption of the terminal from the program: slipway ends it.
func group(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// end ends the program and what it started, which the python launcher needs.
func end(c *exec.Cmd) error {
	if err := exec.Command("taskkill", "/T", "/F", "/PID", strconv.Itoa(c.Process.Pid)).Run(); err != nil {
		return c.Process.Kill()
	}
	return nil
}
