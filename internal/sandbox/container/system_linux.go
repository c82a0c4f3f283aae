package container

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// directAttributes are those of a program that is not isolated: a process group
// of its own, which dies with what started it.
func directAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// oomKills counts the processes that the kernel ever killed for want of memory.
func oomKills() int {
	f, err := os.Open("/proc/vmstat")
	if err != nil {
		return 0
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if n, ok := strings.CutPrefix(lines.Text(), "oom_kill "); ok {
			kills, _ := strconv.Atoi(n)
			return kills
		}
	}
	return 0
}
