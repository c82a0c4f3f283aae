package container

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
)

// marker is the environment variable that makes a process a container's init.
const marker = "SLIPWAY_CONTAINER_INIT"

// startIsolated starts a container's init, sends it its order and waits until the command
// executes.
func (r *Runtime) startIsolated(ctx context.Context, s Spec, i isolation) (*Process, error) {
	scratch := scratch(s.Dir)
	if err := scratch.make("upper", "work", rootEntry, socketEntry); err != nil {
		return nil, fmt.Errorf("start %s: %w", s.Name, err)
	}
	o := order{
		Name: s.Name, Mounts: s.mounts(), Command: s.command(), Env: s.environment(),
		WorkingDir: s.workingDir(), Image: s.Image.Config, Platform: r.Platform(),
		Lower: s.Image.Root, Copy: i.copies, Ports: s.Ports,
	}
	o.setDirs(s.Dir)
	sockets, err := openSockets(filepath.Join(s.Dir, socketEntry), s.Ports)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", s.Name, err), scratch.remove())
	}
	used := r.use(s.Image)
	release := sync.OnceFunc(func() { sockets.close(); used() })
	p, _, err := r.startInit(ctx, o, command{
		name: s.Name, memory: s.memoryGroup, files: sockets.listeners, stdout: s.Stdout, stderr: s.Stderr, dial: sockets.dial,
		supervised: len(s.Ports) > 0,
		cleanup:    func() { _ = scratch.remove(); release() },
	})
	if err != nil {
		release()
	}
	return p, err
}

// setDirs sets the container's own directories to those below dir.
func (o *order) setDirs(dir string) {
	o.Upper = filepath.Join(dir, "upper")
	o.Work = filepath.Join(dir, "work")
	o.Root = filepath.Join(dir, rootEntry)
}

// startInit starts an init in namespaces of its own. If it returns an error, the process
// has ended.
func (r *Runtime) startInit(ctx context.Context, o order, c command) (*Process, report, error) {
	fail := func(err error) (*Process, report, error) {
		return nil, report{}, fmt.Errorf("start %s: %w", o.Name, err)
	}
	orders, giveOrders, err := os.Pipe()
	if err != nil {
		closeAll(c.files)
		return fail(err)
	}
	defer giveOrders.Close()
	reports, giveReports, err := os.Pipe()
	if err != nil {
		closeAll(append(c.files, orders))
		return fail(err)
	}
	defer reports.Close()

	c.files = append([]*os.File{orders, giveReports}, c.files...)
	c.argv, c.env, c.dir = r.options.Self, []string{marker + "=1"}, "/"
	if c.path, err = r.self(); err != nil {
		closeAll(c.files)
		return fail(err)
	}
	c.sys = namespaces(len(o.Ports) > 0)
	p, err := start(ctx, c)
	if err != nil {
		return fail(err)
	}
	unsent := json.NewEncoder(giveOrders).Encode(o)
	_ = giveOrders.Close()
	last, err := readReport(reports)
	if err == nil {
		return p, last, nil
	}
	p.kill()
	_, _ = p.Wait()
	if cause := context.Cause(ctx); cause != nil {
		return fail(cause)
	}
	if last.Error != nil {
		return nil, last, last.Error
	}
	return fail(errors.Join(err, unsent))
}

// self returns the program to start as init. The file of the running program may have
// been replaced or removed since it was started, as go run does, so self returns the
// kernel's link to it.
func (r *Runtime) self() (string, error) {
	if len(r.options.Self) == 0 {
		return "", errors.New("container: Options.Self is empty")
	}
	path, err := exec.LookPath(r.options.Self[0])
	executable, exeErr := os.Executable()
	if exeErr == nil && (r.options.Self[0] == executable || err == nil && sameFile(path, executable)) {
		return "/proc/self/exe", nil
	}
	return path, err
}

func sameFile(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}

// namespaces returns the attributes that put a process into new namespaces, in which it
// is root. The kernel kills the process when the thread that started it ends.
func namespaces(network bool) *syscall.SysProcAttr {
	sys := &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID |
			syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
		Setsid:      true, // away from the terminal and its signals
		Pdeathsig:   syscall.SIGKILL,
	}
	if network {
		sys.Cloneflags |= syscall.CLONE_NEWNET
	}
	return sys
}
