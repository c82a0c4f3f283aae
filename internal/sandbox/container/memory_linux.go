package container

import (
	"bytes"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// memoryInterval is the interval at which a container's memory is measured.
const memoryInterval = 50 * time.Millisecond

// enforcesMemory reports whether a container that exceeds its memory limit is killed.
const enforcesMemory = true

// watchMemory kills the container when its processes use more memory than limit, in
// bytes, as a kernel does on a cluster. It is for machines where no control group can be
// created, and needs no privileges. A process's own limits (setrlimit) would not do: they
// count memory that was reserved and never used.
func (p *Process) watchMemory(limit int64) {
	tick := time.NewTicker(memoryInterval)
	defer tick.Stop()
	for {
		select {
		case <-p.done:
			return
		case <-tick.C:
		}
		pids := processesBelow(p.process.Pid)
		if sum(pids, resident) > limit && sum(pids, share) > limit {
			p.killForMemory()
			return
		}
	}
}

// processesBelow returns a process and its descendants.
func processesBelow(pid int) []int {
	children := map[int][]int{}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	for _, e := range entries {
		if child, err := strconv.Atoi(e.Name()); err == nil {
			if parent, ok := parentOf(child); ok {
				children[parent] = append(children[parent], child)
			}
		}
	}
	all := []int{pid}
	for n := 0; n < len(all); n++ {
		all = append(all, children[all[n]]...)
	}
	return all
}

func sum(pids []int, of func(pid int) int64) (total int64) {
	for _, pid := range pids {
		total += of(pid)
	}
	return total
}

// parentOf returns the parent of a process. In its stat file that is the second word
// after the process's name, which is in parentheses and may itself contain parentheses
// and spaces.
func parentOf(pid int) (int, bool) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, false
	}
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if len(fields) < 2 {
		return 0, false
	}
	parent, err := strconv.Atoi(string(fields[1]))
	return parent, err == nil
}

// resident returns how many bytes of anonymous and shared memory a process has resident.
// Memory that several processes share, as after a fork, counts fully for each of them.
func resident(pid int) int64 { return amounts(pid, "status", "RssAnon", "RssShmem") }

// share is like resident, but divides shared memory equally among the processes that
// share it. That takes longer to find out. If the kernel does not report it, share
// returns resident.
func share(pid int) int64 {
	if n := amounts(pid, "smaps_rollup", "Pss_Anon", "Pss_Shmem"); n > 0 {
		return n
	}
	return resident(pid)
}

// amounts adds up lines such as "NAME: 12 kB" in a file of a process, and returns bytes.
func amounts(pid int, file string, names ...string) int64 {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/" + file)
	if err != nil {
		return 0
	}
	var total int64
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		if slices.Contains(names, name) {
			kilobytes, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			total += kilobytes << 10
		}
	}
	return total
}
