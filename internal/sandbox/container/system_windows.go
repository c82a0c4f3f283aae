package container

import "syscall"

// canTerminate reports whether a program can be asked to end.
const canTerminate = false

func directAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

func signalName(s syscall.Signal) string { return s.String() }

func (p *Process) signal(syscall.Signal) error { return p.process.Kill() }

func killGroup(int) {}
