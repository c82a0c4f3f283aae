package container

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// scopeSockets keeps this thread and everything that it starts from connecting to
// abstract Unix sockets of other processes. These sockets have no file. They belong to
// the machine's network namespace, which a job shares, and to desktops and daemons that
// check nothing but the user's ID. It returns an error on Linux before 6.12 and without
// Landlock.
func scopeSockets() error {
	attributes := unix.LandlockRulesetAttr{Scoped: unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET}
	const size = unsafe.Offsetof(attributes.Scoped) + unsafe.Sizeof(attributes.Scoped)
	const first = 6 // the first version of Landlock's ABI with scopes
	version, _, _ := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if int(version) < first {
		return nil
	}
	rules, _, err := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attributes)), size, 0)
	if err != 0 {
		return err
	}
	defer unix.Close(int(rules))
	if _, _, err := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, rules, 0, 0); err != 0 {
		return err
	}
	return nil
}
