package container

import (
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// ask sends a question to a port, closes that direction, and returns the answer.
func ask(t *testing.T, p *Process, port int, question string) string {
	t.Helper()
	c, err := p.Dial(t.Context(), port)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(testTimeout))
	// The connection may already be closed if nothing listens.
	if _, err := io.WriteString(c, question); err != nil && !errors.Is(err, syscall.EPIPE) {
		t.Fatal(err)
	}
	if err := c.(interface{ CloseWrite() error }).CloseWrite(); err != nil && !errors.Is(err, syscall.ENOTCONN) {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

// TestServices runs two services that listen on the same port of all addresses.
func TestServices(t *testing.T) {
	r, image := isolating(t)
	question := strings.Repeat("q", 1<<20)
	const port = 48080
	for _, name := range []string{"one", "two"} {
		l := mustLaunch(t, r, Spec{Name: name, Image: image, Ports: []int{port, 48081}, Args: []string{"serve", fmt.Sprintf("0.0.0.0:%d", port), name}})
		l.out.until(t, "ready")
		if got := ask(t, l.Process, port, question); got != name+" "+question {
			t.Errorf("%s answers %d bytes: %.20q", name, len(got), got)
		}
		if got := ask(t, l.Process, 48081, ""); got != "" {
			t.Errorf("a port without a service answers %q", got)
		}
		for _, ip := range machineAddresses(t) {
			if c, err := net.DialTimeout("tcp", net.JoinHostPort(ip, fmt.Sprint(port)), time.Second); err == nil {
				_ = c.Close()
				t.Errorf("%s is reachable at %s", name, ip)
			}
		}
		if c, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", port), time.Second); err == nil {
			_ = c.Close()
			t.Errorf("%s listens on the machine's loopback", name)
		}
		defer func() {
			l.Stop(testTimeout)
			if exit := l.end(t); exit.Code != 2 && exit.Signal != "SIGTERM" {
				t.Errorf("%s: exit %+v", name, exit)
			}
			if c, err := l.Dial(t.Context(), port); err == nil {
				_ = c.Close()
				t.Errorf("%s is reachable after its end", name)
			}
		}()
	}
}

// machineAddresses returns the machine's addresses that are not loopback.
func machineAddresses(t *testing.T) (ips []string) {
	t.Helper()
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && !n.IP.IsLoopback() && !n.IP.IsLinkLocalUnicast() {
			ips = append(ips, n.IP.String())
		}
	}
	return ips
}

func TestServiceView(t *testing.T) {
	r, image := isolating(t)
	got := succeed(t, r, Spec{Image: image, Name: "s", Ports: []int{80}, Args: []string{"all", "self", "--", "pids"}})
	lines := strings.Fields(got) // PID, UID, host name, directory, processes
	if want := []string{"0", "s", "/app", "2"}; lines[0] == "1" || !slices.Equal(lines[1:], want) {
		t.Errorf("sees %q", lines)
	}
}

// TestNoInheritedFiles opens a directory so that children inherit it.
func TestNoInheritedFiles(t *testing.T) {
	fd, err := syscall.Open(t.TempDir(), syscall.O_RDONLY|syscall.O_DIRECTORY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	r, image := isolating(t)
	for _, ports := range [][]int{nil, {80}} {
		got := succeed(t, r, Spec{Image: image, Ports: ports, Args: []string{"files"}})
		for line := range strings.Lines(got) {
			// These are opened by the Go runtime.
			if !strings.HasPrefix(line, "anon_inode:[event") && !strings.HasPrefix(line, "/sys/fs/cgroup/") {
				t.Errorf("ports %v: inherits %s", ports, line)
			}
		}
	}
}

func TestServiceEnds(t *testing.T) {
	r, image := isolating(t)
	l := mustLaunch(t, r, Spec{Image: image, Ports: []int{80}, Args: []string{"serve-and-end", ":80", "5"}})
	l.out.until(t, "ready")
	c, err := l.Dial(t.Context(), 80)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if exit := l.end(t); exit != (Exit{Code: 5}) {
		t.Errorf("exit %+v", exit)
	}
}

func TestDirectService(t *testing.T) {
	r, image := direct(t)
	l, err := net.Listen("tcp", "127.0.0.1:0") // most likely still free when the service uses it
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	_ = l.Close()
	s := mustLaunch(t, r, Spec{Image: image, Ports: []int{port}, Args: []string{"serve", fmt.Sprintf("127.0.0.1:%d", port), "hello"}})
	s.out.until(t, "ready")
	if got := ask(t, s.Process, port, "you"); got != "hello you" {
		t.Errorf("answers %q", got)
	}
	idle, err := s.Dial(t.Context(), port)
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	s.Stop(0)
	s.end(t)
	_ = idle.SetDeadline(time.Now().Add(testTimeout))
	if _, err := idle.Read(make([]byte, 1)); err == nil {
		t.Error("a connection outlives its service")
	}
}
