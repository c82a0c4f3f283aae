package container

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// IsInit reports whether a Runtime started this process to become a container. The main
// function must call it before it does anything else, and then call Init.
func IsInit(lookup func(string) (string, bool)) bool {
	v, ok := lookup(marker)
	return ok && v == "1"
}

// Init turns this process into the container that the order in an inherited pipe
// describes. It does not return on success: the process executes the container's command
// or, for a service, stays as the container's first process and exits with the service's
// code. An error was already reported to the Runtime. The caller must then exit with a
// code other than 0 and print nothing, since the output is the container's.
func Init() error {
	// Namespaces and paths belong to the process, but capabilities to each thread.
	runtime.LockOSThread()
	orders, reports := os.NewFile(orderFD, "orders"), os.NewFile(reportFD, "reports")
	if orders == nil || reports == nil {
		return errors.New("only slipway can start a container's init")
	}
	if err := keepFiles(); err != nil {
		return err
	}
	// The signal was requested for the thread that this process began with. It is needed
	// on the thread that executes the command.
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return err
	}
	var o order
	if err := json.NewDecoder(orders).Decode(&o); err != nil {
		return fmt.Errorf("read the container's configuration: %w", err) // the Runtime is gone
	}
	_ = orders.Close()
	i := initProcess{order: o, reports: reports}
	err := i.run() // returns only on failure
	refused := &StartError{Command: o.Name, Reason: CannotCreate, Message: err.Error()}
	_ = errors.As(err, &refused)
	i.report(report{Error: refused})
	return err
}

// keepFiles marks all files but the standard ones close-on-exec: the init's own, and
// those that slipway inherited, which may be directories of the machine.
func keepFiles() error {
	err := unix.CloseRange(orderFD, ^uint(0), unix.CLOSE_RANGE_CLOEXEC)
	if !errors.Is(err, unix.ENOSYS) && !errors.Is(err, unix.EINVAL) {
		return err
	}
	open, err := os.ReadDir("/proc/self/fd") // Linux before 5.11
	for _, e := range open {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd >= orderFD {
			unix.CloseOnExec(fd)
		}
	}
	return err
}

// initProcess is a container's init.
type initProcess struct {
	order
	reports *os.File
	status  report
}

func (i *initProcess) report(r report) { _ = json.NewEncoder(i.reports).Encode(r) }

func (i *initProcess) run() error {
	if err := i.build(); err != nil {
		return err
	}
	if len(i.Ports) > 0 {
		if err := raiseLoopback(); err != nil {
			return fmt.Errorf("bring up the loopback network: %w", err)
		}
	}
	if err := dropCapabilities(); err != nil {
		return fmt.Errorf("drop capabilities: %w", err)
	}
	i.status.Ready = true
	if i.Probe {
		i.report(i.status)
		syscall.Exit(0)
	}
	name, err := find(system{}, i.Command[0], value(i.Env, "PATH"), i.WorkingDir)
	if err != nil {
		return i.cannotRun(err.Error())
	}
	i.report(i.status)
	if len(i.Ports) > 0 {
		return i.supervise(name)
	}
	return i.refused(name, syscall.Exec(name, i.Command, i.Env))
}

func (i *initProcess) cannotRun(message string) error {
	return &StartError{Command: i.Command[0], Reason: CannotRun, Message: message}
}

func (i *initProcess) refused(name string, err error) error {
	return i.cannotRun(execError(system{}, name, i.Image, i.Platform, err))
}

// system is the file system that this process sees.
type system struct{}

func (system) stat(name string) (fs.FileInfo, error) { return os.Stat(name) }

func (system) open(name string) (program, error) {
	return os.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0) // the file may be a named pipe
}

// keptCapabilities are the capabilities, over its own namespaces, that a container's
// programs keep. They are those that container engines keep. Without the others programs
// cannot change mounts, so what is mounted read-only stays read-only.
var keptCapabilities = map[uintptr]bool{
	unix.CAP_CHOWN: true, unix.CAP_DAC_OVERRIDE: true, unix.CAP_FOWNER: true, unix.CAP_FSETID: true,
	unix.CAP_KILL: true, unix.CAP_SETGID: true, unix.CAP_SETUID: true, unix.CAP_SETPCAP: true,
	unix.CAP_NET_BIND_SERVICE: true, unix.CAP_SYS_CHROOT: true, unix.CAP_SETFCAP: true,
}

// dropCapabilities drops the capabilities that a container's programs do not need, and makes
// sure that nothing that this thread executes can gain any.
func dropCapabilities() error {
	for c := uintptr(0); ; c++ {
		has, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, c, 0, 0, 0)
		if errors.Is(err, unix.EINVAL) { // beyond the last capability
			break
		}
		if err != nil {
			return err
		}
		if has == 0 || keptCapabilities[c] {
			continue
		}
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil {
			return err
		}
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	if err := scopeSockets(); err != nil {
		return fmt.Errorf("scope abstract sockets by Landlock: %w", err)
	}
	if err := filterCalls(); err != nil {
		return fmt.Errorf("filter system calls by seccomp: %w", err)
	}
	return nil
}

// hosts returns the container's /etc/hosts: the machine's, and the container's name.
func (o *order) hosts(machine string) string {
	if machine == "" {
		machine = "127.0.0.1\tlocalhost\n::1\tlocalhost\n"
	}
	return strings.TrimRight(machine, "\n") + "\n127.0.0.1\t" + o.Name + "\n"
}
