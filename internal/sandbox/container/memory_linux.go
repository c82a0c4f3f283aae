package container

import (
	"bytes"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// memoryEvery is how often it is looked how much memory a container has.
const memoryEvery = 50 * time.Millisecond

// enforcesMemory tells that a container that needs more memory than it may is killed.
const enforcesMemory = true

// watchMemory kills the container when its processes have more memory than limit, as
// a kernel does on a cluster. It needs no rights, where a control group cannot be made:
// limits of a process alone count what it has reserved and never used.
func (p *Process) watchMemory(limit int64) {
	tick := time.NewTicker(memoryEvery)
	defer tick.Stop()
	for {
		select {
		case <-p.done:
			return
		case <-tick.C:
		}
		pids := processesBelow(p.process.Pid)
		if sum(pids, resident) > limit && sum(pids, share) > limit {
			p.starve()
			return
		}
	}
}

// processesBelow gives a process and those that came from it.
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

// parentOf reads a process's parent: the second word after its name, which stands in
// parentheses and may hold any.
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

// resident gives the bytes that a process has in memory and that are of no file. What
// it shares with others, as after a fork, counts for each of them.
func resident(pid int) int64 { return amounts(pid, "status", "RssAnon", "RssShmem") }

// share is resident with what is shared in equal parts, which takes longer to find out.
// Where the kernel does not tell it, it is resident.
func share(pid int) int64 {
	if n := amounts(pid, "smaps_rollup", "Pss_Anon", "Pss_Shmem"); n > 0 {
		return n
	}
	return resident(pid)
}

// amounts adds up lines such as "NAME: 12 kB" of a file of a process.
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
