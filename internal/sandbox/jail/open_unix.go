//go:build unix

package jail

import "syscall"

// unblocked opens a named pipe without waiting for its other end, and a terminal without
// making it the controlling terminal.
const unblocked = syscall.O_NONBLOCK | syscall.O_NOCTTY
