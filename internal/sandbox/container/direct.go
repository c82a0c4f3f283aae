package container

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
)

// startDirectly runs a static binary from a copy of its image's files, as a process group
// of the machine. Paths in its arguments and its environment are rewritten to where they
// are on the machine, because the mounts are not at their targets. The program listens on
// the machine's network, on addresses of its own choice.
func (r *Runtime) startDirectly(ctx context.Context, s Spec, i isolation) (_ *Process, err error) {
	scratch := scratch(s.Dir)
	if err := scratch.make("files"); err != nil {
		return nil, fmt.Errorf("start %s: %w", s.Name, err)
	}
	defer func() {
		if err != nil {
			_ = scratch.remove()
		}
	}()
	defer r.use(s.Image)()
	root := filepath.Join(s.Dir, rootEntry)
	if err := copyTree(s.Image.Root, root); err != nil {
		return nil, fmt.Errorf("start %s: copy its image: %w", s.Name, err)
	}
	t, err := openTree(root)
	if err != nil {
		return nil, err
	}
	defer t.close()

	argv, env := s.command(), s.environment()
	name, err := find(t, argv[0], value(env, "PATH"), s.workingDir())
	if err != nil {
		return nil, &StartError{Command: argv[0], Reason: CannotRun, Message: err.Error()}
	}
	if problem := t.whyNotDirect(name, s.Image.Config); problem != "" {
		return nil, &NotIsolatedError{Command: argv[0], Why: i.why, Problem: problem, Remedy: i.remedy}
	}
	real, err := t.resolve(name)
	if err != nil {
		return nil, err
	}
	rules, err := s.place()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", s.Name, err)
	}
	dir, err := t.workingDir(s.workingDir(), newRewriter(rules))
	if err != nil {
		return nil, &StartError{Command: argv[0], Reason: CannotCreate, Message: fmt.Sprintf("make the working directory: %s", err)}
	}
	if wd := s.workingDir(); wd != "/" {
		rules = append(rules, rewrite{from: wd, to: dir})
	}
	paths := newRewriter(append(rules, t.paths()...))
	for i := range argv {
		argv[i] = paths.text(argv[i])
	}

	path := filepath.Join(root, filepath.FromSlash(real))
	environ := paths.pairs(env)
	if home := value(env, "HOME"); home == value(environ, "HOME") { // it would be a home directory of this machine
		environ = append(environ, "HOME="+root)
	}
	// os/exec adds the variables that every process needs on this system.
	environ = (&exec.Cmd{Env: environ}).Environ()
	p, err := start(ctx, command{
		memory: s.memoryGroup,
		name:   s.Name, path: path, argv: argv, env: environ, dir: dir,
		sys: directAttributes(), stdout: s.Stdout, stderr: s.Stderr, dial: dialLoopback, group: true,
		cleanup: func() { _ = scratch.remove() },
	})
	if err != nil {
		message := err.Error()
		if e := syscall.Errno(0); errors.As(err, &e) {
			message = execError(t, name, s.Image.Config, r.Platform(), e)
		}
		return nil, &StartError{Command: argv[0], Reason: CannotRun, Message: message}
	}
	return p, nil
}

func (t *tree) open(name string) (program, error) {
	real, err := t.resolve(name)
	if err != nil {
		return nil, err
	}
	return t.root.Open(real)
}

// workingDir creates the working directory, in the mount that contains it or else in the
// tree, and returns its path on the machine.
func (t *tree) workingDir(name string, mounts rewriter) (string, error) {
	if there := mounts.text(name); there != name {
		return there, os.MkdirAll(there, 0o755)
	}
	dir, err := t.directory(name)
	return filepath.Join(t.root.Name(), filepath.FromSlash(dir.path)), err
}

// whyNotDirect says why a program cannot run without its image as the root, or returns "" if it
// can.
func (t *tree) whyNotDirect(name string, c ImageConfig) string {
	if c.OS != runtime.GOOS {
		return fmt.Sprintf("its image is for %s and this machine is %s", c.Platform(), runtime.GOOS)
	}
	if i := interpreter(t, name); i != "" {
		return fmt.Sprintf("it is not a static binary (it needs %s from its image)", i)
	}
	return ""
}

// paths returns the rewrite rules for the tree's files. A directory that exists on the
// machine too is not rewritten itself; only its entries in the tree are.
func (t *tree) paths() []rewrite {
	var rules []rewrite
	t.collect(".", &rules)
	return rules
}

func (t *tree) collect(dir string, rules *[]rewrite) {
	entries, err := fs.ReadDir(t.root.FS(), dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		at := path.Join(dir, e.Name())
		if _, err := os.Lstat(filepath.Join("/", filepath.FromSlash(at))); err == nil && e.IsDir() {
			t.collect(at, rules)
			continue
		}
		*rules = append(*rules, rewrite{from: "/" + at, to: filepath.Join(t.root.Name(), filepath.FromSlash(at))})
	}
}

// place writes the mounts' files to disk and returns the rewrite rules for all mounts.
func (s *Spec) place() ([]rewrite, error) {
	var rules []rewrite
	for n, m := range s.mounts() {
		if m.Files == nil {
			at, err := within(m.Source, m.SubPath)
			if err != nil {
				return nil, fmt.Errorf("mount at %s: %w", m.Target, err)
			}
			rules = append(rules, rewrite{from: m.Target, to: filepath.Join(m.Source, filepath.FromSlash(at))})
			continue
		}
		dir := filepath.Join(s.Dir, "files", strconv.Itoa(n))
		if err := os.Mkdir(dir, 0o700); err != nil {
			return nil, err
		}
		if err := m.write(dir); err != nil {
			return nil, fmt.Errorf("write the files of the mount at %s: %w", m.Target, err)
		}
		rules = append(rules, rewrite{from: m.Target, to: dir})
	}
	return rules, nil
}
