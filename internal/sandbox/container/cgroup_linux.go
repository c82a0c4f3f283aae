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

// cgroups is the mount point of the kernel's control groups.
const cgroups = "/sys/fs/cgroup"

// minGroupLimit is the smallest limit, in bytes, for which a control group is used. The
// setup of a container needs memory too, before the command executes.
const minGroupLimit = 32 << 20

// groupName is the prefix of the names of the groups that sandboxes create. The PID of
// the process that created the group follows it.
const groupName = "slipway-"

// memoryGroup is a control group in which the kernel itself enforces a container's limit,
// as it does for a kubelet.
type memoryGroup struct {
	dir string
	// events is the file that counts OOM kills.
	events string
	joined atomic.Bool
}

// hierarchy is a directory in which groups can be created, of control groups version 2 or
// of the memory controller of version 1.
type hierarchy struct {
	dir string
	v2  bool
}

// newMemoryGroup creates a group with a limit in bytes. That needs root, or a subtree
// that systemd delegated to the user; otherwise the error says what is missing. root is
// where control groups are mounted, and self is this process's /proc/self/cgroup.
func newMemoryGroup(root, self string, limit int64) (*memoryGroup, error) {
	if limit < minGroupLimit {
		return nil, errors.New("the limit is too small for a cgroup")
	}
	places, err := hierarchies(root, self)
	if err != nil {
		return nil, err
	}
	err = errors.New("no cgroup allows child groups")
	for _, place := range places {
		place.removeStale()
		var g *memoryGroup
		if g, err = place.make(limit); err == nil {
			return g, nil
		}
	}
	return nil, err
}

// hierarchies returns the directories in which groups may be created, the nearest first.
// In version 1 that is below the process's own group. In version 2 a group with processes
// cannot have children with limits, so it is below the nearest ancestor that delegates
// the memory controller.
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

// make creates a group with a limit in bytes.
func (h hierarchy) make(limit int64) (*memoryGroup, error) {
	dir, err := os.MkdirTemp(h.dir, fmt.Sprintf("%s%d-", groupName, os.Getpid()))
	if err != nil {
		return nil, err
	}
	g := &memoryGroup{dir: dir}
	// Swap must not be a way around the limit; where there is no swap its files are
	// missing. With memory.oom.group the kernel kills the whole container, as it does for
	// a kubelet.
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

// removeStale removes the groups of sandboxes that were killed. A group that still has
// processes stays.
func (h hierarchy) removeStale() {
	left, _ := filepath.Glob(filepath.Join(h.dir, groupName+"*"))
	for _, dir := range left {
		text, _, _ := strings.Cut(filepath.Base(dir)[len(groupName):], "-")
		if pid, err := strconv.Atoi(text); err == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			_ = syscall.Rmdir(dir)
		}
	}
}

// join moves a process into the group. Its future children will be in the group too.
func (g *memoryGroup) join(pid int) error {
	err := os.WriteFile(filepath.Join(g.dir, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0o600)
	g.joined.Store(err == nil)
	return err
}

// holds reports whether a process has joined the group.
func (g *memoryGroup) holds() bool { return g != nil && g.joined.Load() }

// killed reports whether the kernel killed a process because the group was out of memory.
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

// remove removes the group. Its processes must have ended.
func (g *memoryGroup) remove() {
	if g != nil {
		_ = syscall.Rmdir(g.dir)
	}
}
