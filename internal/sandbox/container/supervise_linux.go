package container

import (
	"errors"
	"net"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/slipway-ci/slipway/internal/panics"
)

// forwarded are the signals that the supervisor passes on to its service.
var forwarded = []os.Signal{
	unix.SIGTERM, unix.SIGINT, unix.SIGHUP, unix.SIGQUIT, unix.SIGUSR1, unix.SIGUSR2,
}

// supervise runs a service as the container's first process: it forwards connections to
// the service's ports, passes signals on, reaps orphaned processes, and exits with the
// service's code.
func (i *initProcess) supervise(name string) error {
	var listeners []net.Listener
	for n := range i.Ports {
		file := os.NewFile(uintptr(listenerFD+n), "listener")
		l, err := net.FileListener(file)
		if err != nil {
			return err
		}
		_ = file.Close()
		listeners = append(listeners, l)
	}
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, forwarded...)
	service, err := syscall.ForkExec(name, i.Command, &syscall.ProcAttr{
		Env: i.Env, Files: []uintptr{0, 1, 2}, Sys: &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return i.refused(name, err)
	}
	for n, l := range listeners {
		panics.Go(relay{listener: l, port: i.Ports[n]}.serve, func(error) { _ = l.Close() })
	}
	_ = i.reports.Close() // the service executes
	panics.Go(func() {
		for s := range signals {
			_ = syscall.Kill(service, s.(syscall.Signal))
		}
	}, func(error) { _ = syscall.Kill(service, syscall.SIGKILL) }) // nothing else would end it
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			return err
		}
		if pid != service {
			continue
		}
		code := status.ExitStatus()
		if status.Signaled() {
			code = 128 + int(status.Signal())
		}
		// This ends the container: the kernel kills all its other processes.
		syscall.Exit(code)
	}
}

// raiseLoopback brings up the only interface of a new network namespace.
func raiseLoopback() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo)
}
