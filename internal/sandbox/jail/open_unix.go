//go:build unix

package jail

import "syscall"

// unblocked opens a pipe without waiting for its other end, and a terminal without
// taking it.
const unblocked = syscall.O_NONBLOCK | syscall.O_NOCTTY
