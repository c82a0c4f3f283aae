package container

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

func TestForbidden(t *testing.T) {
	const (
		users    = "/proc/sys/user/max_user_namespaces"
		debian   = "/proc/sys/kernel/unprivileged_userns_clone"
		apparmor = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns"
	)
	for _, test := range []struct {
		name        string
		err         error
		uid         int
		kernel      map[string]string
		why, remedy string
	}{
		{"none allowed", syscall.ENOSPC, 0, map[string]string{users: "0"}, "user.max_user_namespaces is 0", "sysctl -w user.max_user_namespaces=15000"},
		{"all taken", syscall.ENOSPC, 1000, map[string]string{users: "7"}, "all 7 user namespaces", "sysctl -w user.max_user_namespaces=15000"},
		{"debian", syscall.EPERM, 1000, map[string]string{debian: "0"}, "kernel.unprivileged_userns_clone is 0", "sysctl -w kernel.unprivileged_userns_clone=1"},
		{"ubuntu", syscall.EACCES, 1000, map[string]string{users: "100", apparmor: "1"}, "AppArmor forbids", "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"},
		{"ubuntu's root", syscall.EACCES, 0, map[string]string{apparmor: "1"}, "setting up an isolated container failed (detail)", "allow user namespaces"},
		{"container engine", syscall.EPERM, 1000, map[string]string{"/proc/self/status": "Name:\tx\nSeccomp:\t2\n"}, "a seccomp filter is active", "outside of that container"},
		{"old kernel", syscall.EINVAL, 1000, nil, "this kernel lacks namespaces", ""},
		{"unknown", errors.New("other"), 1000, nil, "setting up an isolated container failed (detail)", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := whyForbidden(fmt.Errorf("fork: %w", test.err), "detail", test.uid, func(name string) string { return test.kernel[name] })
			if got.ok || !strings.Contains(got.why, test.why) || strings.Contains(got.why, "\n") || !strings.HasSuffix(got.why, meaning) {
				t.Errorf("why %q, want %q in it", got.why, test.why)
			}
			if !strings.Contains(got.remedy, test.remedy) {
				t.Errorf("remedy %q, want %q in it", got.remedy, test.remedy)
			}
		})
	}
}

// role runs the test binary in a role, as root of a user namespace.
func role(t *testing.T, name string, r *Runtime, image *Image) string {
	t.Helper()
	c := exec.Command(r.options.Self[0])
	c.Env = append(os.Environ(), roleVariable+"="+name, "CONTAINER_TEST_DIR="+r.options.Dir, "CONTAINER_TEST_DIGEST="+image.Digest.String())
	c.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

func inRole(args ...string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	dir := os.Getenv("CONTAINER_TEST_DIR")
	r := New(Options{Dir: dir, Self: []string{self}, Pull: func(context.Context, string) (v1.Image, error) {
		return nil, errors.New("offline")
	}})
	image, err := r.Image(context.Background(), "probe@"+os.Getenv("CONTAINER_TEST_DIGEST"), nil)
	if err != nil {
		return err
	}
	fmt.Println(r.Isolation(context.Background()))
	p, err := r.Start(context.Background(), Spec{
		Name: "main", Image: image, Args: args, Stdout: os.Stdout, Stderr: os.Stdout, Dir: filepath.Join(dir, "scratch"),
	})
	if err != nil {
		return err
	}
	exit, err := p.Wait()
	fmt.Printf("%+v\n", exit)
	return err
}

// forbiddenRole forbids user namespaces to itself.
func forbiddenRole() error {
	if err := os.WriteFile("/proc/sys/user/max_user_namespaces", []byte("0"), 0); err != nil {
		return err
	}
	return inRole()
}

// maskedRole hides a part of /proc, as container engines do.
func maskedRole() error {
	if err := syscall.Mount("tmpfs", "/proc/sys", "tmpfs", 0, ""); err != nil {
		return err
	}
	return inRole("all", "list", "/proc", "--", "try-write", "/proc/version")
}

func TestUserNamespacesForbidden(t *testing.T) {
	r, image := isolating(t)
	got := role(t, "forbidden", r, image)
	want := "false the kernel allows no user namespaces (user.max_user_namespaces is 0)" + meaning + "\nfrom the image\n{Code:0 Signal: OOM:false}\n"
	if got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestMaskedProc(t *testing.T) {
	r, image := isolating(t)
	got := role(t, "masked", r, image)
	want := "true \n" + strings.Join(procFiles, "\n") + "\n/proc/version true\n{Code:0 Signal: OOM:false}\n"
	if got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// TestOrdinaryUser runs the other tests as the user nobody. It does so without the race
// detector, which has already checked the same code as root: every container starts as
// this program, and the detector would make that take longer than everything else.
func TestOrdinaryUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("this is an ordinary user already")
	}
	program, err := probeBinary()
	if err != nil {
		t.Fatal(err)
	}
	// In a directory that other users may enter.
	binary := filepath.Join(scratchTests, "container.test")
	if out, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-race=false", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("build the tests: %v\n%s", err, out)
	}
	if err := os.Chmod(binary, 0o755); err != nil {
		t.Fatal(err)
	}
	temporary := filepath.Join(scratchTests, "nobody")
	if err := errors.Join(os.Mkdir(temporary, 0o700), os.Chown(temporary, 65534, 65534)); err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), binary, "-test.v", "-test.skip=TestOrdinaryUser", "-test.timeout=5m")
	c.Dir = temporary
	c.Env = append(os.Environ(), probeVariable+"="+program, "TMPDIR="+temporary, "HOME="+temporary)
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := c.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "--- SKIP") || strings.Contains(line, "not isolated:") {
			t.Log(line)
		}
	}
}
