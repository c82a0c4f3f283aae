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

// Process is a container that runs, or ran.
type Process struct {
	name string
	dial func(ctx context.Context, port int) (net.Conn, error)
	// supervised tells that the container's first process is its init, which passes
	// on the command's end as an exit code.
	supervised bool
	// group tells that the processes are a process group and nothing more.
	group bool

	process *os.Process
	killed  atomic.Bool // by us, and not by the kernel for want of memory
	starved atomic.Bool // by us, for it had more memory than it may
	done    chan struct{}
	exit    Exit
	err     error

	mu     sync.Mutex
	ended  bool
	timers []*time.Timer
}

// Exit is how a container ended.
type Exit struct {
	// Code is the command's exit code, or 128 and the signal's number.
	Code int
	// Signal is the name of the signal that ended it, such as SIGKILL, or empty.
	Signal string
	// OOM tells that the container had more memory than it may, or that the machine
	// killed something for want of memory while it ran, probably the container.
	OOM bool
}

// command is a process to start.
type command struct {
	name, path string
	argv, env  []string
	dir        string
	files      []*os.File // from descriptor 3 on; closed here once it has started
	sys        *syscall.SysProcAttr
	stdout     io.Writer
	stderr     io.Writer
	dial       func(ctx context.Context, port int) (net.Conn, error)
	supervised bool
	group      bool
	memory     *memoryGroup // nil where the kernel does not bound its memory
	cleanup    func()       // when all has ended, or was never started
}

// start starts a command, which cancelling ctx kills.
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
	}, func(error) {}) // there is nothing in it that can fail
	return p, nil
}

// run starts the process and waits for its end, on one thread of the operating
// system: the kernel ends the process when the thread that forked it ends, and a
// goroutine that ends while it is locked takes its thread with it.
func (p *Process) run(c command, started chan<- error) {
	runtime.LockOSThread()
	err := p.launch(c, started)
	if err != nil {
		c.cleanup()
		started <- err
	}
}

// launch gives an error when nothing was started. Otherwise it tells started, and
// returns when all is over.
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

// Wait waits for the container's end: of its first process, of all that came from
// it, and of its output. The error tells that the end or the whole output is not
// known; the command's own failure is in Exit.
func (p *Process) Wait() (Exit, error) {
	<-p.done
	return p.exit, p.err
}

// Done is closed at the container's end.
func (p *Process) Done() <-chan struct{} { return p.done }

// PID gives the container's first process, as this machine numbers it.
func (p *Process) PID() int { return p.process.Pid }

// Dial connects with one of Spec.Ports. Of an isolated container nobody else can: its
// ports are sockets in a directory of this user's own.
func (p *Process) Dial(ctx context.Context, port int) (net.Conn, error) {
	if p.dial == nil {
		return nil, fmt.Errorf("%s has no ports", p.name)
	}
	return p.dial(ctx, port)
}

// Stop asks the container to end with SIGTERM, and kills it when it has not ended
// after grace. It does not wait. As everywhere in containers, a program that is
// its container's first process and does not handle SIGTERM never gets it. Stop
// may be called again, at any time; the shortest grace counts. On Windows it kills.
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

func (p *Process) kill() { p.endFor(&p.killed) }

// starve kills a container that has more memory than it may.
func (p *Process) starve() { p.endFor(&p.starved) }

// endFor kills the container, unless it has ended, and keeps why.
func (p *Process) endFor(why *atomic.Bool) {
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
