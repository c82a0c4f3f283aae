package container

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-ci/slipway/internal/testenv"
)

func TestView(t *testing.T) {
	r, image := isolating(t)
	t.Logf("copies: %v", r.probed.copies)
	if got, want := succeed(t, r, Spec{Image: image, Name: "train-1", Args: []string{"self"}}), "1 0 train-1 /app\n"; got != want {
		t.Errorf("sees %q, want %q", got, want)
	}
	if got := succeed(t, r, Spec{Image: image, Args: []string{"pids"}}); got != "1\n" {
		t.Errorf("sees %s processes", got)
	}
	root := strings.Fields(succeed(t, r, Spec{Image: image, Args: []string{"list", "/"}}))
	if want := []string{"app", "dev", "etc", "proc", "sys", "tmp"}; !slices.Equal(root, want) {
		t.Errorf("sees %v at its root, want %v", root, want)
	}
	dev := strings.Fields(succeed(t, r, Spec{Image: image, Args: []string{"list", "/dev"}}))
	for _, name := range []string{"fd", "full", "null", "pts", "random", "shm", "stderr", "stdin", "stdout", "tty", "urandom", "zero"} {
		if !slices.Contains(dev, name) {
			t.Errorf("/dev lacks %s: %v", name, dev)
		}
	}
	got := succeed(t, r, Spec{Image: image, Name: "n", Args: []string{"all", "try-write", "/dev/null", "/dev/shm/x", "/tmp/x", "/x", "/sys/x", "/proc/sys/kernel/hostname", "--",
		"remount", "/proc/sys", "/sys", "--", "read", "/etc/hostname", "--", "mode", "/tmp"}})
	want := "/dev/null false\n/dev/shm/x false\n/tmp/x false\n/x false\n/sys/x true\n/proc/sys/kernel/hostname true\n" +
		"true\ntrue\ntrue\ntrue\nn\n\ndtrwxrwxrwx\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	var rights uint64
	for c := range keptCapabilities {
		rights |= 1 << c
	}
	for _, ports := range [][]int{nil, {80}} {
		status := succeed(t, r, Spec{Image: image, Ports: ports, Args: []string{"read", "/proc/self/status"}})
		for _, line := range []string{"NoNewPrivs:\t1\n", fmt.Sprintf("CapEff:\t%016x\n", rights), fmt.Sprintf("CapBnd:\t%016x\n", rights)} {
			if !strings.Contains(status, line) {
				t.Errorf("ports %v: its rights lack %q: %s", ports, line, status)
			}
		}
	}
	for line := range strings.Lines(succeed(t, r, Spec{Image: image, Args: []string{"read", "/proc/self/mounts"}})) {
		fields := strings.Fields(line)
		if len(fields) < 4 || fields[1] != "/sys" && !strings.HasPrefix(fields[1], "/sys/") && !strings.HasPrefix(fields[1], "/proc/") {
			continue
		}
		if !strings.HasPrefix(fields[3], "ro") {
			t.Errorf("can be written to: %s", line)
		}
	}
	hosts := succeed(t, r, Spec{Image: image, Name: "n", Args: []string{"read", "/etc/hosts", "/etc/resolv.conf"}})
	if !strings.Contains(hosts, "127.0.0.1\tn\n") || !strings.Contains(hosts, "localhost") {
		t.Errorf("/etc/hosts is %s", hosts)
	}
}

// TestImageIsNotModified writes to the image's files from a container.
func TestImageIsNotModified(t *testing.T) {
	for _, mode := range []string{"overlay", "copy", "direct"} {
		t.Run(mode, func(t *testing.T) {
			r, image := modes[mode](t, layerOf(t, file("app/data/x", "before")))
			for range 2 {
				got := succeed(t, r, Spec{Image: image, Args: []string{"all", "read", "/app/data/x", "--", "write", "/app/data/x", "after", "--", "read", "/app/data/x"}})
				if got != "before\nafter\n" {
					t.Errorf("read %q", got)
				}
			}
		})
	}
}

// TestHostileImage mounts at targets that are symlinks out of the image.
func TestHostileImage(t *testing.T) {
	outside := t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "victim"), []byte("untouched"), 0o600); err != nil {
		t.Fatal(err)
	}
	up := strings.Repeat("../", 20)
	for n, name := range []string{"etc", "proc", "dev", "sys", "tmp", "work", "data"} {
		for k, target := range []string{outside, up + outside, "/proc/self/root" + outside} {
			if !testenv.Thorough() && k != n%3 {
				continue
			}
			t.Run(name+" to "+target, func(t *testing.T) {
				r, image := isolating(t, layerOf(t, symlink(name, target)))
				l, err := launch(t, r, Spec{
					Image: image, WorkingDir: "/work/deeper", Args: []string{"try-write", "/etc/victim", "/tmp/victim", "/data/victim"},
					Mounts: []Mount{{Target: "/data/secret", Files: map[string][]byte{"key": nil}}, {Target: "/data/volume", Source: t.TempDir()}},
				})
				if err == nil {
					l.end(t)
				}
				if diff := cmp.Diff(map[string]string{"victim": "untouched"}, contents(t, outside)); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

func TestMounts(t *testing.T) {
	for mode, setup := range modes {
		t.Run(mode, func(t *testing.T) {
			r, image := setup(t)
			volume := filepath.Join(t.TempDir(), "odd name, with:all=of 'it'")
			if err := os.Mkdir(volume, 0o755); err != nil {
				t.Fatal(err)
			}
			for _, step := range []struct{ args, want string }{
				{"write /polyaxon-v1-data/model 1", ""}, {"read /polyaxon-v1-data/model", "1\n"},
			} {
				got := succeed(t, r, Spec{Image: image, Args: strings.Fields(step.args), Mounts: []Mount{{Target: "/polyaxon-v1-data", Source: volume}}})
				if got != step.want {
					t.Errorf("%s: wrote %q, want %q", step.args, got, step.want)
				}
			}
			if content, err := os.ReadFile(filepath.Join(volume, "model")); err != nil || string(content) != "1" {
				t.Errorf("the volume has %q, %v", content, err)
			}
			got := succeed(t, r, Spec{
				Image: image, Env: []string{"KEY=/secret/sub/key"}, WorkingDir: "/polyaxon-v1-data",
				Args: []string{"all", "read", "/secret/key", "model", "--", "env", "KEY"},
				Mounts: []Mount{
					{Target: "/secret/", Files: map[string][]byte{"key": []byte("k1"), "sub/key": []byte("k2")}, ReadOnly: true},
					{Target: "/polyaxon-v1-data", Source: volume},
				},
			})
			if !strings.HasPrefix(got, "k1\n1\nKEY=") || !strings.HasSuffix(got, "/sub/key\n") {
				t.Errorf("wrote %q", got)
			}
		})
	}
}

// TestSubPaths mounts parts of a volume in which a container left symlinks out of it.
func TestSubPaths(t *testing.T) {
	for mode, setup := range modes {
		t.Run(mode, func(t *testing.T) {
			r, image := setup(t)
			outside, volume := t.TempDir(), t.TempDir()
			for name, target := range map[string]string{"absolute": outside, "relative": strings.Repeat("../", 20) + outside, "inside": "a/b"} {
				if err := os.Symlink(target, filepath.Join(volume, name)); err != nil {
					t.Fatal(err)
				}
			}
			for _, sub := range []string{"absolute", "relative", "inside", "new/er", "a/b"} {
				succeed(t, r, Spec{Image: image, Args: []string{"write", "/v/" + filepath.Base(sub), "x"}, Mounts: []Mount{{Target: "/v", Source: volume, SubPath: sub}}})
			}
			if got := contents(t, outside); len(got) > 0 {
				t.Errorf("the machine has %v", got)
			}
			got := contents(t, volume)
			for _, name := range []string{"a/b/inside", "a/b/b", "new/er/er", filepath.Join(outside, "absolute")[1:], filepath.Join(outside, "relative")[1:]} {
				if got[name] != "x" {
					t.Errorf("%s is %q", name, got[name])
				}
			}
		})
	}
}

func TestReadOnlyMounts(t *testing.T) {
	r, image := isolating(t)
	source := t.TempDir()
	if err := os.WriteFile(filepath.Join(source, "x"), []byte("1"), 0o644); err != nil {
		t.Fatal(err)
	}
	got := succeed(t, r, Spec{
		Image: image,
		Args:  []string{"all", "try-write", "/ro/x", "/files/key", "/outer/y", "/outer/inner/y", "/one", "--", "remount", "/ro", "/files", "--", "mode", "/files/key", "--", "read", "/outer/inner/y"},
		Mounts: []Mount{
			// Inner ones first, to test the sorting.
			{Target: "/outer/inner", Source: t.TempDir()},
			{Target: "/outer", Files: map[string][]byte{}},
			{Target: "/ro", Source: source, ReadOnly: true},
			{Target: "/files", Files: map[string][]byte{"key": nil}, ReadOnly: true},
			{Target: "/one", Source: filepath.Join(source, "x"), ReadOnly: true},
		},
	})
	want := "/ro/x true\n/files/key true\n/outer/y false\n/outer/inner/y false\n/one true\ntrue\ntrue\ntrue\ntrue\n-r--------\nx\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, m := range []Mount{
		{Target: "/x", Source: filepath.Join(source, "missing")}, {Target: "x", Source: source}, {Target: "/", Source: source},
		{Target: "/x", Source: "relative"}, {Target: "/x", Files: map[string][]byte{"../x": nil}},
		{Target: "/ro/new", Source: source},
		{Target: "/x", Source: source, SubPath: "../x"}, {Target: "/x", Files: map[string][]byte{}, SubPath: "x"},
	} {
		_, err := launch(t, r, Spec{Image: image, Mounts: []Mount{{Target: "/ro", Source: source, ReadOnly: true}, m}})
		if e := startError(t, err); e.Reason != CannotCreate {
			t.Errorf("mount %+v: %v", m, e)
		}
	}
}

// TestSecretsStayInMemory looks for a secret on the disk, and in what /proc shows of the
// container's process, while it runs.
func TestSecretsStayInMemory(t *testing.T) {
	const canary = "canary-5e7f0b"
	r, image := isolating(t)
	l := mustLaunch(t, r, Spec{
		Image: image, Ports: []int{8080}, Args: []string{"all", "read", "/secret/key", "--", "serve", "127.0.0.1:8080", ""},
		Mounts: []Mount{{Target: "/secret", Files: map[string][]byte{"key": []byte(canary)}}},
	})
	l.out.until(t, canary+"\nready")
	searched := 0
	for _, root := range []string{l.dir, r.options.Dir} {
		err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return nil // the kernel owns work/work
			}
			searched++
			if content, err := os.ReadFile(path); err != nil || strings.Contains(string(content), canary) {
				t.Errorf("%s has the secret, or %v", path, err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"cmdline", "environ"} {
		content, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", l.PID(), name))
		if err != nil || len(content) == 0 || strings.Contains(string(content), canary) {
			t.Errorf("/proc/PID/%s has the secret, or is empty, or %v", name, err)
		}
	}
	if searched < 2 {
		t.Errorf("searched %d files only", searched)
	}
}

func TestUnableToStart(t *testing.T) {
	program := func(name, content string, mode int64) entry {
		e := file(name, content)
		e.Mode = mode
		return e
	}
	r, image := isolating(t, layerOf(t,
		program("bin/plain", "x", 0o644), program("bin/script", "#!/bin/interpreter -x\n", 0o755),
		program("bin/junk", "junk", 0o755), symlink("bin/dangling", "/nowhere")))
	for _, test := range []struct{ command, want string }{
		{"/app/train", "no such file in the image"},
		{"train", "command not found in the image's PATH (/app:/bin)"},
		{"/bin", "it is a directory in the image"},
		{"/bin/plain", "it is not executable in the image (mode -rw-r--r--)"},
		{"/bin/dangling", "no such file in the image"},
		{"script", "it needs /bin/interpreter, which is not in the image (use a base image that has it, or a static binary)"},
		{"/bin/junk", "exec format error: it is neither a binary for this machine nor a script that begins with #!"},
	} {
		for _, ports := range [][]int{nil, {80}} {
			dir := filepath.Join(t.TempDir(), "scratch")
			_, err := launch(t, r, Spec{Image: image, Command: []string{test.command}, Ports: ports, Dir: dir})
			want := &StartError{Command: test.command, Reason: CannotRun, Message: test.want}
			if diff := cmp.Diff(want, startError(t, err)); diff != "" {
				t.Error(diff)
			}
			if left := contents(t, dir); len(left) > 0 {
				t.Errorf("left %v", left)
			}
		}
	}
	other := *image
	other.Config.Architecture = "sparc"
	_, err := launch(t, r, Spec{Image: &other, Command: []string{"/bin/junk"}})
	if e := startError(t, err); !strings.Contains(e.Message, "it is a program for linux/sparc, and this machine is linux/") {
		t.Error(e)
	}
	other.Config = ImageConfig{}
	_, err = launch(t, r, Spec{Image: &other})
	if e := startError(t, err); e.Reason != CannotRun || !strings.Contains(e.Message, "no command given") {
		t.Error(e)
	}
}

// TestDynamicBinary runs this machine's shell, which needs its loader.
func TestDynamicBinary(t *testing.T) {
	content, err := os.ReadFile("/bin/sh")
	if err != nil {
		t.Skip(err)
	}
	needed := loader(bytes.NewReader(content))
	if needed == "" {
		t.Skip("/bin/sh is static")
	}
	shell := file("bin/sh", string(content))
	shell.Mode = 0o755
	spec := Spec{Command: []string{"sh", "-c", "true"}}
	var r *Runtime
	r, spec.Image = isolating(t, layerOf(t, shell))
	_, err = launch(t, r, spec)
	if e := startError(t, err); !strings.Contains(e.Message, "it needs "+needed+", which is not in the image") {
		t.Error(e)
	}
	r, spec.Image = direct(t, layerOf(t, shell))
	_, err = launch(t, r, spec)
	var needs *NotIsolatedError
	if !errors.As(err, &needs) || !strings.Contains(needs.Problem, "it needs "+needed+" from its image") {
		t.Error(err)
	}
}

func TestScratchIsRemoved(t *testing.T) {
	for mode, setup := range modes {
		t.Run(mode, func(t *testing.T) {
			r, image := setup(t)
			hidden := "hide /app/hidden"
			l := mustLaunch(t, r, Spec{Image: image, Args: strings.Fields(hidden), Mounts: []Mount{{Target: "/s", Files: map[string][]byte{"a/b": nil}}}})
			if exit := l.end(t); exit.Code != 0 {
				t.Fatalf("exit %+v: %s", exit, l.out)
			}
			if left := contents(t, l.dir); len(left) > 0 {
				t.Errorf("left %v", left)
			}
		})
	}
}

// TestOddDirectories uses directories whose names contain the separators of overlay
// options.
func TestOddDirectories(t *testing.T) {
	r, _ := isolating(t)
	r.options.Dir = filepath.Join(t.TempDir(), `a:b,c d\e`)
	r.probed = nil
	if ok, why := r.Isolation(t.Context()); !ok || r.probed.copies {
		t.Errorf("isolation %v (%s), copies %v", ok, why, r.probed.copies)
	}
	image := unpacked(t, r)
	dir := filepath.Join(t.TempDir(), `x:y,z=1`)
	if got := succeed(t, r, Spec{Image: image, Dir: dir}); got != "from the image\n" {
		t.Errorf("wrote %q", got)
	}
}

func TestCancelledStart(t *testing.T) {
	r, image := isolating(t)
	ctx, cancel := context.WithCancel(t.Context())
	p, err := r.Start(ctx, Spec{Image: image, Args: []string{"sleep"}, Dir: filepath.Join(t.TempDir(), "s")})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if exit, err := p.Wait(); err != nil || exit != (Exit{Code: 137, Signal: "SIGKILL"}) {
		t.Errorf("exit %+v, %v", exit, err)
	}
	if _, err := r.Start(ctx, Spec{Image: image, Dir: filepath.Join(t.TempDir(), "s")}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// TestConcurrentContainers starts containers from many goroutines.
func TestConcurrentContainers(t *testing.T) {
	r, image := isolating(t)
	done := make(chan string)
	for n := range 12 {
		go func() {
			l, err := launch(t, r, Spec{Image: image, Args: []string{"lines", "2000"}, Dir: filepath.Join(scratchTests, fmt.Sprintf("many-%d-%d", os.Getuid(), n))})
			if err != nil {
				done <- err.Error()
				return
			}
			_, _ = l.Wait()
			done <- l.out.String()
		}()
	}
	var want strings.Builder
	for n := range 2000 {
		fmt.Fprintln(&want, n)
	}
	for range 12 {
		if got := <-done; got != want.String() {
			t.Errorf("wrote %d bytes, want %d: %.100s", len(got), want.Len(), got)
		}
	}
}

func BenchmarkStart(b *testing.B) {
	r, image := isolating(b)
	dir := filepath.Join(b.TempDir(), "scratch")
	for b.Loop() {
		p, err := r.Start(b.Context(), Spec{Image: image, Dir: dir})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := p.Wait(); err != nil {
			b.Fatal(err)
		}
	}
}

// TestControlGroupsAreHidden runs a job that, as root, looks for the machine's control
// groups.
func TestControlGroupsAreHidden(t *testing.T) {
	if _, err := os.Stat("/sys/fs/cgroup"); err != nil {
		t.Skip("this machine has none")
	}
	r, image := isolating(t)
	for _, ports := range [][]int{nil, {80}} {
		got := succeed(t, r, Spec{Image: image, Ports: ports, Args: []string{"all", "try-write", "/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/memory/tasks", "--",
			"make", "/sys/fs/cgroup/mine", "--", "list", "/sys/fs/cgroup"}})
		if want := "/sys/fs/cgroup/cgroup.procs true\n/sys/fs/cgroup/memory/tasks true\n/sys/fs/cgroup/mine true\n"; got != want {
			t.Errorf("got\n%swant\n%s", got, want)
		}
	}
}

// TestKernelIsInaccessible runs a job that tries to use what is not in a namespace: the
// user's keys, user namespaces with more capabilities, and abstract sockets.
func TestKernelIsInaccessible(t *testing.T) {
	r, image := isolating(t)
	name := "slipway-test-" + filepath.Base(t.TempDir()) + strconv.Itoa(os.Getpid())
	listener, err := net.Listen("unix", "@"+name)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	got := succeed(t, r, Spec{Image: image, Args: []string{"all", "keys", "--", "nest", "groups", "/tmp", "--", "nest", "echo", "nested", "--", "connect", name}})
	if want := "false\nfalse\nfalse\nnest failed\nnest failed\nfalse\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// TestMachineFilesAreNotModified runs a job that, as root, tries to change the entries
// of /proc and /dev that all containers share with the machine.
func TestMachineFilesAreNotModified(t *testing.T) {
	r, image := isolating(t)
	if got := succeed(t, r, Spec{Image: image, Args: []string{"all", "shared", "--", "write", "/dev/null", "x"}}); got != "true\n" {
		t.Errorf("it can change:\n%s", got)
	}
}
