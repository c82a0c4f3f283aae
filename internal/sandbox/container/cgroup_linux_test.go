package container

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestHierarchies finds the directories for groups on several machines: as an ordinary
// user with systemd, as root with version 1, and in a container of an engine.
func TestHierarchies(t *testing.T) {
	root := t.TempDir()
	for dir, given := range map[string]string{
		"": "cpu memory pids", "user.slice": "cpu memory pids", "user.slice/user-1000.slice/user@1000.service/app.slice": "memory pids",
		"user.slice/user-1000.slice/user@1000.service/app.slice/shell.scope": "", "docker": "pids",
	} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, dir, "cgroup.subtree_control"), []byte(given+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for text, want := range map[string]string{
		"0::/user.slice/user-1000.slice/user@1000.service/app.slice/shell.scope\n": "user.slice/user-1000.slice/user@1000.service/app.slice user.slice .",
		"4:memory:/machine/x\n1:cpu:/\n0::/\n":                                     "memory/machine/x .",
		"0::/docker\n":                                                             ".",
		"1:cpu:/\n":                                                                "",
	} {
		self := filepath.Join(t.TempDir(), "cgroup")
		if err := os.WriteFile(self, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		places, err := hierarchies(root, self)
		var got []string
		for _, place := range places {
			relative, _ := filepath.Rel(root, place.dir)
			got = append(got, relative)
		}
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%q: %v, %v; want %s", text, got, err, want)
		}
	}
	g, err := hierarchy{filepath.Join(root, "docker"), true}.make(64 << 20)
	if err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{"memory.max": "67108864", "memory.swap.max": "0", "memory.oom.group": "1"} {
		if text, err := os.ReadFile(filepath.Join(g.dir, file)); err != nil || string(text) != want {
			t.Errorf("%s: %s, %v", file, text, err)
		}
	}
	if err := os.WriteFile(g.events, []byte("low 0\noom 2\noom_kill 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := g.join(os.Getpid()); err != nil || !g.killed() {
		t.Errorf("it is not told that something was killed: %v", err)
	}
}

// TestMemoryGroup checks that the kernel enforces a container's limit, and that the group
// is removed. It is skipped if this process may not create control groups.
func TestMemoryGroup(t *testing.T) {
	g, err := newMemoryGroup(cgroups, "/proc/self/cgroup", 64<<20)
	if err != nil {
		t.Skip(err)
	}
	place := filepath.Dir(g.dir)
	g.remove()
	r, image := isolating(t)
	exit := mustLaunch(t, r, Spec{Image: image, Args: []string{"allocate", "400"}, Memory: 64 << 20}).end(t)
	if want := (Exit{Code: 137, Signal: "SIGKILL", OOM: true}); exit != want {
		t.Errorf("exit %+v, want %+v", exit, want)
	}
	if exit := mustLaunch(t, r, Spec{Image: image, Args: []string{"allocate", "8"}, Memory: 64 << 20}).end(t); exit != (Exit{}) {
		t.Errorf("exit %+v", exit)
	}
	if left, _ := filepath.Glob(filepath.Join(place, filepath.Base(g.dir)[:strings.LastIndex(filepath.Base(g.dir), "-")]+"-*")); len(left) > 0 {
		t.Errorf("%v are left", left)
	}
}
