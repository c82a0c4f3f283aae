package sandbox

import (
	"syscall"

	"golang.org/x/sys/windows"
)

// detached returns the attributes that start a process without a console and in a group
// of its own, so that no console's signals reach it.
func detached() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{HideWindow: true, CreationFlags: windows.DETACHED_PROCESS | windows.CREATE_NEW_PROCESS_GROUP}
}
