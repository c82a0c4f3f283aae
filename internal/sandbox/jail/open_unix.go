//go:build unix

package jail

import "syscall"

// openFlags opens a named pipe without waiting for its other end, and a terminal without
// making it the controlling terminal.
const openFlags = syscall.O_NONBLOCK | syscall.O_NOCTTY
