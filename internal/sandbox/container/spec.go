package container

import (
	"cmp"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Spec describes a container to run.
type Spec struct {
	// Name becomes the container's host name.
	Name  string
	Image *Image
	// Command replaces the image's entrypoint and Args its command, as in a Kubernetes
	// container: Command without Args drops the image's command too.
	Command, Args []string
	// Env holds NAME=VALUE pairs that are added to the image's.
	Env []string
	// WorkingDir replaces the image's. It is created if it is missing.
	WorkingDir string
	Mounts     []Mount
	// Memory is how many bytes of memory the container's processes may use, 0 for no
	// limit. On Linux a container that exceeds it is killed.
	Memory      int64
	memoryGroup *memoryGroup // the group in which the kernel enforces it
	// Ports are the ports that a service listens on. Process.Dial connects to them. An
	// isolated service has a loopback network of its own and no other network. A
	// container without ports shares the machine's network.
	Ports []int
	// Stdout and Stderr get the container's output; nil discards it. Each is written by
	// one goroutine at a time, also if both are the same.
	Stdout, Stderr io.Writer
	// Dir is the container's scratch directory, an absolute path. Its entries upper,
	// work, rootfs, files and sockets belong to this package, which removes them when the
	// container has ended.
	Dir string
}

// Mount is what a container sees at Target: the file or directory Source of the machine,
// or Files. The container's root user is, on the machine, the user who runs slipway.
type Mount struct {
	Target string
	Source string
	// SubPath is the path in Source that is mounted. Symbolic links that an earlier
	// container left there cannot lead out of Source. A missing directory is created.
	SubPath string
	// Files maps relative paths to contents. In an isolated container they exist in
	// memory only. Otherwise they are files in Spec.Dir with mode 0600, in directories
	// with mode 0700, until the container ends.
	Files map[string][]byte
	// ReadOnly is enforced for an isolated container only. Otherwise Files have mode 0400
	// and Source is not protected.
	ReadOnly bool
}

const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// check returns an error if the spec cannot become a container.
func (s *Spec) check() error {
	switch {
	case s.Image == nil:
		return s.refuse("it has no image")
	case s.Dir == "" || !filepath.IsAbs(s.Dir):
		return s.refuse("its scratch directory %q is not an absolute path", s.Dir)
	case len(s.command()) == 0 || s.command()[0] == "":
		return &StartError{Command: s.Name, Reason: CannotRun, Message: "no command given: neither the operation nor its image sets one"}
	}
	for _, m := range s.Mounts {
		if !path.IsAbs(m.Target) || path.Clean(m.Target) == "/" {
			return s.refuse("mount target %q is not an absolute path below /", m.Target)
		}
		if m.Files == nil && !filepath.IsAbs(m.Source) {
			return s.refuse("source %q of the mount at %s is not an absolute path", m.Source, m.Target)
		}
		if m.SubPath != "" && (m.Files != nil || !filepath.IsLocal(m.SubPath)) {
			return s.refuse("%q of the mount at %s is not a path inside of a source", m.SubPath, m.Target)
		}
		for name := range m.Files {
			if !filepath.IsLocal(name) {
				return s.refuse("file %q of the mount at %s is not a path inside of it", name, m.Target)
			}
		}
	}
	for _, port := range s.Ports {
		if port < 1 || port > 65535 {
			return s.refuse("port %d is not valid: ports are 1 to 65535", port)
		}
	}
	return nil
}

func (s *Spec) refuse(format string, args ...any) error {
	return &StartError{Command: s.Name, Reason: CannotCreate, Message: fmt.Sprintf(format, args...)}
}

// command returns the argv by Kubernetes' rules.
func (s *Spec) command() []string {
	c := s.Image.Config
	switch {
	case len(s.Command) > 0:
		return slices.Concat(s.Command, s.Args)
	case len(s.Args) > 0:
		return slices.Concat(c.Entrypoint, s.Args)
	}
	return slices.Concat(c.Entrypoint, c.Cmd)
}

func (s *Spec) workingDir() string {
	return path.Join("/", cmp.Or(s.WorkingDir, s.Image.Config.WorkingDir, "/"))
}

// environment returns the image's environment followed by the container's. The later of
// two variables with the same name counts.
func (s *Spec) environment() []string {
	env := []string{"PATH=" + defaultPath, "HOME=/root", "HOSTNAME=" + s.Name}
	at := map[string]int{"PATH": 0, "HOME": 1, "HOSTNAME": 2}
	for _, pair := range slices.Concat(s.Image.Config.Env, s.Env) {
		name, _, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			continue
		}
		if i, known := at[name]; known {
			env[i] = pair
			continue
		}
		at[name] = len(env)
		env = append(env, pair)
	}
	return env
}

// mounts returns the mounts with clean targets, outer ones first.
func (s *Spec) mounts() []Mount {
	sorted := slices.Clone(s.Mounts)
	for i := range sorted {
		sorted[i].Target = path.Clean(sorted[i].Target)
	}
	slices.SortStableFunc(sorted, func(a, b Mount) int {
		return cmp.Compare(strings.Count(a.Target, "/"), strings.Count(b.Target, "/"))
	})
	return sorted
}

// value returns the value of a variable in env, or "".
func value(env []string, name string) string {
	for _, pair := range env {
		if v, ok := strings.CutPrefix(pair, name+"="); ok {
			return v
		}
	}
	return ""
}
