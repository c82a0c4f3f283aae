package container

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sys/unix"
)

// TestMemoryLimit exceeds the memory limit in each mode.
func TestMemoryLimit(t *testing.T) {
	for name, mode := range modes {
		t.Run(name, func(t *testing.T) {
			r, image := mode(t)
			exit := mustLaunch(t, r, Spec{Image: image, Args: []string{"allocate", "400"}, Memory: 64 << 20}).end(t)
			if want := (Exit{Code: 137, Signal: "SIGKILL", OOM: true}); exit != want {
				t.Errorf("exit %+v, want %+v", exit, want)
			}
			l := mustLaunch(t, r, Spec{Image: image, Args: []string{"allocate", "8"}, Memory: 64 << 20})
			if exit := l.end(t); exit.Code != 0 || l.out.String() != "allocated 8\n" {
				t.Errorf("exit %+v: %s", exit, l.out)
			}
		})
	}
}

func TestStop(t *testing.T) {
	for mode, setup := range modes {
		t.Run(mode, func(t *testing.T) {
			r, image := setup(t)
			for _, test := range []struct {
				step  string
				grace time.Duration
				want  Exit
				out   string
			}{
				{"polite", testTimeout, Exit{Code: 7}, "ready\ngot terminated\n"},
				{"stubborn", 50 * time.Millisecond, Exit{Code: 137, Signal: "SIGKILL"}, "ready\n"},
				{"polite", 0, Exit{Code: 137, Signal: "SIGKILL"}, "ready\n"},
			} {
				l := mustLaunch(t, r, Spec{Image: image, Args: []string{test.step}})
				l.out.until(t, "ready")
				var all sync.WaitGroup
				for range 4 {
					all.Go(func() { l.Stop(test.grace) })
				}
				all.Wait()
				if exit := l.end(t); exit != test.want || !strings.HasPrefix(l.out.String(), test.out) {
					t.Errorf("%s: exit %+v, want %+v: %s", test.step, exit, test.want, l.out)
				}
				l.Stop(time.Hour)
				l.Stop(0)
			}
		})
	}
}

func TestShorterGracePeriodWins(t *testing.T) {
	r, image := isolating(t)
	l := mustLaunch(t, r, Spec{Image: image, Args: []string{"stubborn"}})
	l.out.until(t, "ready")
	l.Stop(time.Hour)
	l.Stop(10 * time.Millisecond)
	if exit := l.end(t); exit.Signal != "SIGKILL" || exit.OOM {
		t.Errorf("exit %+v", exit)
	}
}

// TestSignalled ends a command by a signal. The first process of a PID namespace cannot
// kill itself by a signal, so the isolated command is a service.
func TestSignalled(t *testing.T) {
	want := Exit{Code: 128 + 15, Signal: "SIGTERM"}
	r, image := direct(t)
	if exit := mustLaunch(t, r, Spec{Image: image, Args: []string{"signal-self"}}).end(t); exit != want {
		t.Errorf("direct: exit %+v, want %+v", exit, want)
	}
	r, image = isolating(t)
	if exit := mustLaunch(t, r, Spec{Image: image, Args: []string{"signal-self"}, Ports: []int{80}}).end(t); exit != want {
		t.Errorf("service: exit %+v, want %+v", exit, want)
	}
}

// TestOrphansEnd leaves a process behind, in the isolated modes one with a session of its
// own, and checks that it is dead when the container has ended.
func TestOrphansEnd(t *testing.T) {
	for _, test := range []struct {
		mode, step string
		ports      []int
	}{{"overlay", "orphan", nil}, {"overlay", "orphan", []int{80}}, {"direct", "child", nil}} {
		r, image := modes[test.mode](t)
		volume := t.TempDir()
		beat := filepath.Join(volume, "beat")
		mount := Mount{Target: "/v", Source: volume}
		l := mustLaunch(t, r, Spec{Image: image, Args: []string{test.step, "/v/beat"}, Mounts: []Mount{mount}, Ports: test.ports})
		if exit := l.end(t); exit.Code != 0 {
			t.Fatalf("exit %+v: %s", exit, l.out)
		}
		if _, err := os.Stat(beat); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(beat); err != nil {
			t.Fatal(err)
		}
		// All processes are dead once Wait returns, so the file must not come back.
		time.Sleep(50 * time.Millisecond)
		if _, err := os.Stat(beat); err == nil {
			t.Errorf("%+v: it lives on", test)
		}
	}
}

// TestOrphanDoesNotHoldOutput runs a program that is not isolated and leaves a process
// behind that holds the output open.
func TestOrphanDoesNotHoldOutput(t *testing.T) {
	r, image := direct(t)
	volume := t.TempDir()
	l := mustLaunch(t, r, Spec{Image: image, Args: []string{"orphan", "/v/beat"}, Mounts: []Mount{{Target: "/v", Source: volume}}})
	if exit := l.end(t); exit.Code != 0 {
		t.Fatalf("exit %+v: %s", exit, l.out)
	}
	// The orphan is in a group of its own, and writes until its directory is gone.
	for os.RemoveAll(volume) != nil {
	}
}

type failingWriter struct{}

var errFull = errors.New("disk full")

func (failingWriter) Write([]byte) (int, error) { return 0, errFull }

func TestOutputThatCannotBeWritten(t *testing.T) {
	r, image := isolating(t)
	p, err := r.Start(t.Context(), Spec{Image: image, Name: "job", Args: []string{"lines", "100000"}, Stdout: failingWriter{}, Dir: filepath.Join(t.TempDir(), "s")})
	if err != nil {
		t.Fatal(err)
	}
	if exit, err := p.Wait(); exit != (Exit{}) || !errors.Is(err, errFull) {
		t.Errorf("exit %+v, error %v", exit, err)
	}
}

// daemon starts a container, prints its PID and waits for its end.
func daemon() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	dir := os.Getenv("CONTAINER_TEST_DIR")
	r := New(Options{Dir: dir, Self: []string{self}, Pull: func(context.Context, string) (v1.Image, error) {
		return nil, errors.New("offline")
	}})
	r.options.Unisolated = os.Getenv("CONTAINER_TEST_UNISOLATED")
	image, err := r.Image(context.Background(), "probe@"+os.Getenv("CONTAINER_TEST_DIGEST"), nil)
	if err != nil {
		return err
	}
	ports, err := strconv.Atoi(os.Getenv("CONTAINER_TEST_PORTS"))
	if err != nil {
		return err
	}
	p, err := r.Start(context.Background(), Spec{
		Name: "daemon", Image: image, Args: []string{"stubborn"}, Ports: []int{80, 81}[:ports],
		Dir: filepath.Join(dir, "scratch"),
	})
	if err != nil {
		return err
	}
	fmt.Println("pid", p.PID())
	_, err = p.Wait()
	return err
}

// TestDaemonKilled kills the process that started a container with SIGKILL.
func TestDaemonKilled(t *testing.T) {
	for _, test := range []struct {
		name, unisolated, ports string
	}{{"job", "", "0"}, {"service", "", "2"}, {"direct", "the test asks for it", "0"}} {
		t.Run(test.name, func(t *testing.T) {
			r, image := isolating(t)
			c := exec.Command(r.options.Self[0])
			c.Env = append(os.Environ(), roleVariable+"=daemon", "CONTAINER_TEST_DIR="+r.options.Dir,
				"CONTAINER_TEST_DIGEST="+image.Digest.String(), "CONTAINER_TEST_PORTS="+test.ports, "CONTAINER_TEST_UNISOLATED="+test.unisolated)
			c.Stderr = os.Stderr
			out, err := c.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			defer c.Wait()
			line, err := bufio.NewReader(out).ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			var pid int
			if _, err := fmt.Sscanf(line, "pid %d", &pid); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			fd, err := unix.PidfdOpen(pid, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer unix.Close(fd)
			if err := c.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			ended := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
			n, err := unix.Poll(ended, int(testTimeout.Milliseconds()))
			for errors.Is(err, unix.EINTR) { // interrupted by a signal of the Go runtime, or by a child's end
				n, err = unix.Poll(ended, int(testTimeout.Milliseconds()))
			}
			if n != 1 || err != nil {
				t.Errorf("the container outlives its daemon: %d, %v", n, err)
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
			if err := Remove(filepath.Join(r.options.Dir, "scratch")); err != nil {
				t.Error(err)
			}
		})
	}
}
