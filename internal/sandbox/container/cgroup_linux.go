package container

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

// cgroups is where the kernel's control groups are.
const cgroups = "/sys/fs/cgroup"

// leastGrouped is the smallest limit that a control group has: what sets a container up
// needs memory too, before the command is there.
const leastGrouped = 32 << 20

// groupName begins the names of the groups that sandboxes make; the process that made it
// follows.
const groupName = "slipway-"

// memoryGroup is a control group in which the kernel itself holds a container to its
// limit, as a kubelet has it do.
type memoryGroup struct {
	dir string
	// events is the file that counts what was killed.
	events string
	joined atomic.Bool
}

// hierarchy is a place where groups can be made: of version 2 of control groups, or of
// version 1's memory controller.
type hierarchy struct {
	dir string
	v2  bool
}

// newMemoryGroup makes a group with a limit, where this process may: as root, or in what
// systemd has delegated to its user. The error says why it may not.
func newMemoryGroup(root, self string, limit int64) (*memoryGroup, error) {
	if limit < leastGrouped {
		return nil, errors.New("the limit is too small for a group")
	}
	places, err := hierarchies(root, self)
	if err != nil {
		return nil, err
	}
	err = errors.New("no control group may have others below it")
	for _, place := range places {
		place.sweep()
		var g *memoryGroup
		if g, err = place.make(limit); err == nil {
			return g, nil
		}
	}
	return nil, err
}

// hierarchies gives where groups may be made, the nearest first: below the process's own
// in version 1; in version 2, where a group with processes can have none below it that
// are limited, below the nearest one above that hands memory on.
func hierarchies(root, self string) ([]hierarchy, error) {
	text, err := os.ReadFile(self)
	if err != nil {
		return nil, err
	}
	var found []hierarchy
	for line := range strings.Lines(string(text)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) != 3 {
			continue
		}
		switch {
		case fields[1] == "memory":
			found = append(found, hierarchy{filepath.Join(root, "memory", fields[2]), false})
		case fields[0] == "0" && fields[1] == "":
			for at := filepath.Join("/", fields[2]); ; at = filepath.Dir(at) {
				dir := filepath.Join(root, at)
				if given, err := os.ReadFile(filepath.Join(dir, "cgroup.subtree_control")); err == nil && strings.Contains(" "+strings.TrimSpace(string(given))+" ", " memory ") {
					found = append(found, hierarchy{dir, true})
				}
				if at == "/" {
					break
				}
			}
		}
	}
	return found, nil
}

// make makes a group.
func (h hierarchy) make(limit int64) (*memoryGroup, error) {
	dir, err := os.MkdirTemp(h.dir, fmt.Sprintf("%s%d-", groupName, os.Getpid()))
	if err != nil {
		return nil, err
	}
	g := &memoryGroup{dir: dir}
	// Swap is no way around a limit, and where there is none its files are missing. A
	// kubelet has all of a container killed, where the kernel can do that.
	bound, rest := "memory.limit_in_bytes", map[string]string{"memory.memsw.limit_in_bytes": fmt.Sprint(limit)}
	g.events = filepath.Join(g.dir, "memory.oom_control")
	if h.v2 {
		bound, rest = "memory.max", map[string]string{"memory.swap.max": "0", "memory.oom.group": "1"}
		g.events = filepath.Join(g.dir, "memory.events")
	}
	if err := os.WriteFile(filepath.Join(g.dir, bound), []byte(fmt.Sprint(limit)), 0o600); err != nil {
		g.remove()
		return nil, err
	}
	for name, value := range rest {
		_ = os.WriteFile(filepath.Join(g.dir, name), []byte(value), 0o600)
	}
	return g, nil
}

// sweep removes the groups of sandboxes that were killed. One that has processes stays.
func (h hierarchy) sweep() {
	left, _ := filepath.Glob(filepath.Join(h.dir, groupName+"*"))
	for _, dir := range left {
		text, _, _ := strings.Cut(filepath.Base(dir)[len(groupName):], "-")
		if pid, err := strconv.Atoi(text); err == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			_ = syscall.Rmdir(dir)
		}
	}
}

// join puts a process into the group, and all that will come from it.
func (g *memoryGroup) join(pid int) error {
	err := os.WriteFile(filepath.Join(g.dir, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0o600)
	g.joined.Store(err == nil)
	return err
}

// holds tells whether a process is in the group.
func (g *memoryGroup) holds() bool { return g != nil && g.joined.Load() }

// killed tells whether the kernel killed something for want of the group's memory.
func (g *memoryGroup) killed() bool {
	if !g.holds() {
		return false
	}
	text, err := os.ReadFile(g.events)
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(text)) {
		if name, count, _ := strings.Cut(strings.TrimSpace(line), " "); name == "oom_kill" && count != "0" {
			return true
		}
	}
	return false
}

// remove removes the group, whose processes have ended.
func (g *memoryGroup) remove() {
	if g != nil {
		_ = syscall.Rmdir(g.dir)
	}
}
