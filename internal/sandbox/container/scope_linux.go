package container

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// scopeSockets keeps this thread, and all that it starts, from the sockets without a
// file that others listen on: they are in the machine's network, which a job shares, and
// belong to desktops and daemons that ask for no more than the user's number. Linux
// before 6.12, or without Landlock, cannot.
func scopeSockets() error {
	attributes := unix.LandlockRulesetAttr{Scoped: unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET}
	const size = unsafe.Offsetof(attributes.Scoped) + unsafe.Sizeof(attributes.Scoped)
	const first = 6 // the version of Landlock that has scopes
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
