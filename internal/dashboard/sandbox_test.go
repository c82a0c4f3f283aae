package dashboard

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofrs/flock"

	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/sandbox"
	"github.com/slipway-ci/slipway/internal/testenv"
	"github.com/slipway-ci/slipway/tasks/report"
)

// role is the argument that makes the test binary a sandbox.
const role = "sandbox-of-test"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == role {
		o := sandbox.ServeOptions{Idle: time.Minute, Log: os.Stderr, Self: os.Args[:2], Lookup: os.LookupEnv, Version: "test"}
		if err := sandbox.Serve(context.Background(), o); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	testenv.DisableRaceExitDelay()
	os.Exit(m.Run())
}

// TestSandboxIsLookedFor kills the sandbox that a port leads to, and has another program take its
// port. Connections must lead to a sandbox that was started again, and not to that program. A
// service that looks for its address at the same time must not meddle with them: run it with
// -race.
func TestSandboxIsLookedFor(t *testing.T) {
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "slipway.yaml"), []byte("project: p\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := project.Open(t.Context(), &project.Env{Dir: dir, Events: project.NewRecorder(report.Discard{}, time.Now), Lookup: os.LookupEnv,
		Now: time.Now, Transport: http.DefaultTransport, Self: []string{executable, role}, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	to := platform.New(p)
	opened, err := Open(t.Context(), to, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		opened[0].Close()
		if running, err := sandbox.Running(context.Background(), p.StateDir()); err == nil {
			_ = running.Stop(context.Background())
		}
	})
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 2 * time.Minute}
	ask := func() {
		t.Helper()
		response, err := client.Get(opened[0].Address)
		if err != nil {
			t.Error(err)
			return
		}
		defer response.Body.Close()
		if text, _ := io.ReadAll(response.Body); !strings.Contains(string(text), "Authentication credentials were not provided") {
			t.Errorf("it answers %s: %s", response.Status, text)
		}
	}
	ask()

	process, err := os.FindProcess(to.Sandbox.PID)
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Kill(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	lock := flock.New(filepath.Join(p.StateDir(), "lock"))
	if free, err := lock.TryLockContext(ctx, 10*time.Millisecond); !free {
		t.Fatal(err)
	}
	_ = lock.Unlock()
	listener, err := net.Listen("tcp", strings.TrimPrefix(to.Sandbox.Polyaxon, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	var reached atomic.Int32
	other := &httptest.Server{Listener: listener, Config: &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/_slipway/") {
			reached.Add(1)
		}
	})}}
	other.Start()
	defer other.Close()
	var group sync.WaitGroup
	for range 4 {
		group.Go(ask)
		group.Go(func() {
			if address, err := to.Sandbox.ServiceAddress(t.Context(), "x"); err == nil {
				t.Errorf("a service of the sandbox that was killed is at %s", address)
			}
		})
	}
	group.Wait()
	if n := reached.Load(); n > 0 {
		t.Errorf("the other program gets %d requests", n)
	}
}
