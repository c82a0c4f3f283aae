package container

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// directAttributes returns the attributes of a program that is not isolated: a process
// group of its own, killed when the thread that started it ends.
func directAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// oomKills returns how many processes the kernel has killed for lack of memory since
// boot.
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
