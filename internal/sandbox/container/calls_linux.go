package container

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// calls are the numbers of system calls in one of an architecture's tables.
type calls struct {
	architecture                                       uint32
	keyctl, addKey, requestKey, unshare, clone, clone3 uint32
}

// tables are those of an architecture, whose kernel takes calls of the one with 32 bits too.
var tables = map[string][]calls{
	"amd64": {
		{unix.AUDIT_ARCH_X86_64, 250, 248, 249, 272, 56, 435},
		{unix.AUDIT_ARCH_I386, 288, 286, 287, 310, 120, 435},
	},
	"arm64": {
		{unix.AUDIT_ARCH_AARCH64, 219, 217, 218, 97, 220, 435},
		{unix.AUDIT_ARCH_ARM, 311, 309, 310, 337, 120, 435},
	},
}

// Where the kernel's seccomp_data has the number of a call, its architecture, and the
// lower half of its first argument.
const (
	callOffset         = 0
	architectureOffset = 4
	argumentOffset     = 16
)

// otherTable is the bit in a call's number that asks for the x32 table of amd64, which
// has the same calls.
const otherTable = 0x40000000

// filterCalls refuses this thread, and all that it starts, the calls that lead out of a
// container though it has namespaces: the kernel's keys are in none, so that a
// container's would be the user's; and in a user namespace of its own a program has all
// rights, with which root mounts the machine's control groups anew. Container engines
// refuse the same.
func filterCalls() error {
	known, ok := tables[runtime.GOARCH]
	if !ok {
		return fmt.Errorf("the system calls of %s are not known: %w", runtime.GOARCH, errors.ErrUnsupported)
	}
	load := func(offset uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
	}
	jump := func(test uint16, k uint32, yes, no uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_K | test, K: k, Jt: yes, Jf: no}
	}
	answer := func(k uint32) unix.SockFilter { return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: k} }
	refuse := func(err unix.Errno) uint32 { return unix.SECCOMP_RET_ERRNO | uint32(err) }

	program := []unix.SockFilter{load(architectureOffset)}
	for _, c := range known {
		body := []unix.SockFilter{
			load(callOffset),
			{Code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, K: ^uint32(otherTable)},
			jump(unix.BPF_JEQ, c.keyctl, 8, 0),
			jump(unix.BPF_JEQ, c.addKey, 7, 0),
			jump(unix.BPF_JEQ, c.requestKey, 6, 0),
			// Its flags are behind a pointer; programs call clone where there is no clone3.
			jump(unix.BPF_JEQ, c.clone3, 6, 0),
			jump(unix.BPF_JEQ, c.unshare, 1, 0),
			jump(unix.BPF_JEQ, c.clone, 0, 2),
			load(argumentOffset),
			jump(unix.BPF_JSET, unix.CLONE_NEWUSER, 1, 0),
			answer(unix.SECCOMP_RET_ALLOW),
			answer(refuse(unix.EPERM)),
			answer(refuse(unix.ENOSYS)),
		}
		program = append(append(program, jump(unix.BPF_JEQ, c.architecture, 0, uint8(len(body)))), body...)
	}
	program = append(program, answer(refuse(unix.ENOSYS)))
	filter := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	err := unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&filter)), 0, 0)
	runtime.KeepAlive(program)
	return err
}
