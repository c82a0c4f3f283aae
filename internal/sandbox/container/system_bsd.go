//go:build unix && !linux

package container

import "syscall"

// directAttributes returns the attributes of a program that is not isolated: a process
// group of its own.
func directAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
