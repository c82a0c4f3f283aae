//go:build unix

package browser

import "syscall"

// apart returns the attributes that keep the signals of a terminal from a process.
func apart() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
