package container

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/slipway-ci/slipway/internal/panics"
)

// Process is a container that runs or has ended.
type Process struct {
	name string
	dial func(ctx context.Context, port int) (net.Conn, error)
	// supervised reports whether the container's first process is its init, which exits
	// with the command's code.
	supervised bool
	// group reports whether the container is only a process group.
	group bool

	process *os.Process
	killed  atomic.Bool // by us, and not by the kernel for lack of memory
	starved atomic.Bool // by us, because it exceeded its memory limit
	done    chan struct{}
	exit    Exit
	err     error

	mu     sync.Mutex
	ended  bool
	timers []*time.Timer
}

// Exit is how a container ended.
type Exit struct {
	// Code is the command's exit code, or 128 plus the number of the signal.
	Code int
	// Signal is the name of the signal that ended it, such as SIGKILL, or empty.
	Signal string
	// OOM reports that the container exceeded its memory limit, or that the machine ran
	// out of memory while the container ran and killed a process, probably the
	// container's.
	OOM bool
}

// command is a process to start.
type command struct {
	name, path string
	argv, env  []string
	dir        string
	files      []*os.File // from descriptor 3 on; closed once the process has started
	sys        *syscall.SysProcAttr
	stdout     io.Writer
	stderr     io.Writer
	dial       func(ctx context.Context, port int) (net.Conn, error)
	supervised bool
	group      bool
	memory     *memoryGroup // nil if the kernel does not enforce its limit
	cleanup    func()       // called when all has ended, or nothing was started
}

// start starts a command. Cancelling ctx kills it.
func start(ctx context.Context, c command) (*Process, error) {
	p := &Process{name: c.name, dial: c.dial, supervised: c.supervised, group: c.group, done: make(chan struct{})}
	started := make(chan error)
	panics.Go(func() { p.run(c, started) }, func(err error) { started <- err })
	if err := <-started; err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, p.kill)
	panics.Go(func() {
		<-p.done
		stop()
	}, func(error) {}) // nothing in it can fail
	return p, nil
}

// run starts the process and waits for its end, on one thread of the operating system.
// The kernel kills the process when the thread that forked it ends, and a goroutine that
// returns while it is locked to its thread ends the thread.
func (p *Process) run(c command, started chan<- error) {
	runtime.LockOSThread()
	err := p.launch(c, started)
	if err != nil {
		c.cleanup()
		started <- err
	}
}

// launch returns an error if it could not start the process. Otherwise it sends nil to
// started and returns when the process and its output have ended.
func (p *Process) launch(c command, started chan<- error) error {
	defer closeAll(c.files)
	defer c.memory.remove()
	stdin, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	defer stdin.Close()
	out, err := newOutput(c.stdout, c.stderr)
	if err != nil {
		return err
	}
	kills := oomKills()
	p.process, err = os.StartProcess(c.path, c.argv, &os.ProcAttr{
		Dir: c.dir, Env: c.env, Sys: c.sys,
		Files: append([]*os.File{stdin, out.stdout, out.stderr}, c.files...),
	})
	out.begin()
	if err != nil {
		_ = out.wait(false)
		return err
	}
	closeAll(c.files)
	if c.memory != nil && c.memory.join(p.process.Pid) != nil {
		c.memory.remove() // its memory is watched instead
	}
	started <- nil

	state, err := p.process.Wait()
	if p.group {
		killGroup(p.process.Pid) // what the first process left behind
	}
	p.mu.Lock()
	p.ended = true
	for _, t := range p.timers {
		t.Stop()
	}
	p.mu.Unlock()
	if failed := out.wait(p.group); err == nil && failed != nil {
		err = fmt.Errorf("write the output of %s: %w", p.name, failed)
	}
	p.err = err
	if state != nil {
		p.exit = p.exitOf(state)
		machine := func() bool { return !c.memory.holds() && !p.killed.Load() && oomKills() > kills }
		p.exit.OOM = p.exit.Signal == "SIGKILL" && (p.starved.Load() || c.memory.killed() || machine())
	}
	c.cleanup()
	c.memory.remove()
	close(p.done)
	return nil
}

func (p *Process) exitOf(state *os.ProcessState) Exit {
	if s, ok := state.Sys().(syscall.WaitStatus); ok && s.Signaled() {
		return Exit{Code: 128 + int(s.Signal()), Signal: signalName(s.Signal())}
	}
	e := Exit{Code: state.ExitCode()}
	if p.supervised && e.Code > 128 {
		e.Signal = signalName(syscall.Signal(e.Code - 128))
	}
	return e
}

// Wait waits for the end of the container: of its first process, of all its other
// processes, and of its output. It returns an error if the exit or the complete output is
// not known. The command's own failure is reported by Exit.
func (p *Process) Wait() (Exit, error) {
	<-p.done
	return p.exit, p.err
}

// Done returns a channel that is closed when the container has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// PID returns the PID of the container's first process on the machine.
func (p *Process) PID() int { return p.process.Pid }

// Dial connects to one of Spec.Ports. Only this user can connect to an isolated
// container: its ports are sockets in a directory of this user's.
func (p *Process) Dial(ctx context.Context, port int) (net.Conn, error) {
	if p.dial == nil {
		return nil, fmt.Errorf("%s has no ports", p.name)
	}
	return p.dial(ctx, port)
}

// Stop asks the container to end with SIGTERM, and kills it if it has not ended after
// grace. It does not wait for the end. As in any container, a program that is the first
// process of its container does not get SIGTERM unless it handles it. Stop may be called
// again at any time; the shortest grace counts. On Windows it kills at once.
func (p *Process) Stop(grace time.Duration) {
	if grace <= 0 || !canTerminate {
		p.kill()
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return
	}
	_ = p.signal(syscall.SIGTERM)
	p.timers = append(p.timers, time.AfterFunc(grace, p.kill))
}

func (p *Process) kill() { p.killWithReason(&p.killed) }

// killForMemory kills a container that exceeded its memory limit.
func (p *Process) killForMemory() { p.killWithReason(&p.starved) }

// killWithReason kills the container, unless it has ended, and records the reason.
func (p *Process) killWithReason(why *atomic.Bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return
	}
	why.Store(true)
	_ = p.signal(syscall.SIGKILL)
}

func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}
