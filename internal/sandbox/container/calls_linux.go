package container

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// calls holds the numbers of system calls in one of an architecture's tables.
type calls struct {
	architecture                                       uint32
	keyctl, addKey, requestKey, unshare, clone, clone3 uint32
}

// tables lists the system call tables by architecture. A 64-bit kernel also takes the
// calls of its 32-bit table.
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

// Offsets in the kernel's struct seccomp_data of the call's number, its architecture, and
// the lower half of its first argument.
const (
	callOffset         = 0
	architectureOffset = 4
	argumentOffset     = 16
)

// otherTable is the bit in a call's number that selects the x32 table of amd64, which has
// the same calls.
const otherTable = 0x40000000

// filterCalls makes the kernel refuse calls that would lead out of the container despite
// its namespaces. It applies to this thread and everything that it starts. The kernel's
// keyrings have no namespace, so a container would see the user's keys. In a user
// namespace of its own a program has all capabilities, with which root could mount the
// machine's control groups again. Container engines refuse the same calls.
func filterCalls() error {
	known, ok := tables[runtime.GOARCH]
	if !ok {
		return fmt.Errorf("the system calls of %s are unknown: %w", runtime.GOARCH, errors.ErrUnsupported)
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
			// The flags of clone3 are behind a pointer, which a filter cannot follow.
			// With ENOSYS, programs fall back to clone.
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
