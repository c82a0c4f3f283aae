package wheel

import (
	"os/exec"
	"strconv"
	"syscall"
)

// setProcessGroup keeps Ctrl-C in the terminal from the program, because slipway ends it.
func setProcessGroup(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// killProcessGroup kills the program and its children. The python launcher needs this, as it
// runs Python as a child.
func killProcessGroup(c *exec.Cmd) error {
	if err := exec.Command("taskkill", "/T", "/F", "/PID", strconv.Itoa(c.Process.Pid)).Run(); err != nil {
		return c.Process.Kill()
	}
	return nil
}
