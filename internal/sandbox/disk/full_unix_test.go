//go:build unix

package disk_test

import "syscall"

const diskFull = syscall.EDQUOT
