package container

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// probeTimeout is how long a probe may take, also on a busy machine.
const probeTimeout = time.Minute

// probe finds out what the machine allows by building a container that executes nothing.
func (r *Runtime) probe(ctx context.Context) isolation {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	dir := r.options.Dir
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return isolation{why: err.Error()}
	}
	dir, err := os.MkdirTemp(dir, "probe-")
	if err != nil {
		return isolation{why: err.Error()}
	}
	defer Remove(dir)
	lower := filepath.Join(dir, "lower")
	if err := errors.Join(scratch(dir).make("upper", "work", rootEntry), os.Mkdir(lower, 0o755)); err != nil {
		return isolation{why: err.Error()}
	}
	o := order{Name: "probe", Probe: true, Lower: lower, Ports: []int{1}, WorkingDir: "/"}
	o.setDirs(dir)
	var stderr bytes.Buffer
	p, last, err := r.startInit(ctx, o, command{name: o.Name, stderr: &stderr, cleanup: func() {}})
	if err != nil {
		detail := cmp.Or(firstLine(stderr.String()), strings.TrimPrefix(err.Error(), "start probe: "))
		return whyForbidden(err, detail, os.Geteuid(), readKernel)
	}
	if _, err := p.Wait(); err != nil {
		return isolation{why: err.Error()}
	}
	return isolation{ok: true, copies: last.Copy}
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}

// readKernel returns the content of a file of the kernel, or "" if it cannot be read.
func readKernel(name string) string {
	content, _ := os.ReadFile(name)
	return strings.TrimSpace(string(content))
}

const meaning = ", so programs run without isolation"

// whyForbidden says why the kernel refuses what a container needs, and how to allow it.
func whyForbidden(err error, detail string, uid int, kernel func(name string) string) isolation {
	const (
		users    = "/proc/sys/user/max_user_namespaces"
		debian   = "/proc/sys/kernel/unprivileged_userns_clone"
		apparmor = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns"
	)
	allow := func(setting string) string {
		return "allow user namespaces (sudo sysctl -w " + setting + ")"
	}
	switch {
	case kernel(users) == "0":
		return isolation{
			why:    "the kernel allows no user namespaces (user.max_user_namespaces is 0)" + meaning,
			remedy: allow("user.max_user_namespaces=15000"),
		}
	case errors.Is(err, syscall.ENOSPC):
		return isolation{
			why:    fmt.Sprintf("all %s user namespaces that the kernel allows are in use (user.max_user_namespaces), or they are nested too deeply", kernel(users)) + meaning,
			remedy: allow("user.max_user_namespaces=15000"),
		}
	case kernel(debian) == "0" && uid != 0:
		return isolation{
			why:    "the kernel allows user namespaces to root only (kernel.unprivileged_userns_clone is 0)" + meaning,
			remedy: allow("kernel.unprivileged_userns_clone=1"),
		}
	case kernel(apparmor) == "1" && uid != 0:
		return isolation{
			why:    "AppArmor forbids user namespaces for programs without an AppArmor profile (kernel.apparmor_restrict_unprivileged_userns is 1)" + meaning,
			remedy: allow("kernel.apparmor_restrict_unprivileged_userns=0"),
		}
	case strings.Contains(kernel("/proc/self/status"), "\nSeccomp:\t2"):
		return isolation{
			why:    "a seccomp filter is active, as container engines set it, and namespaces were denied (" + detail + ")" + meaning,
			remedy: "run slipway outside of that container or allow user namespaces in it",
		}
	case errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOSYS):
		return isolation{why: "this kernel lacks namespaces that containers need (" + detail + ")" + meaning}
	}
	return isolation{
		why:    "setting up an isolated container failed (" + detail + ")" + meaning,
		remedy: "allow user namespaces and mounts in them",
	}
}
