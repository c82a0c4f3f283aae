package sandbox

import (
	"syscall"

	"golang.org/x/sys/windows"
)

// detached gives a process no console and a group of its own: no console's
// signals reach it.
func detached() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{HideWindow: true, CreationFlags: windows.DETACHED_PROCESS | windows.CREATE_NEW_PROCESS_GROUP}
}
