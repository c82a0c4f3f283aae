package testenv

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// Without inTurn concurrent writes fail, as SQLite's database is locked.
const inTurn = `POLYAXON_DB_OPTIONS={"transaction_mode":"IMMEDIATE","timeout":30}`

// Polyaxon starts a Polyaxon 2.18 server, with an agent that really runs submitted
// operations, and returns its address. Both are stopped when the test ends.
func Polyaxon(t testing.TB) string { return NewHaupt(t).Host }

// FailingPolyaxon is like Polyaxon, but concurrent writes to the server may fail with
// status 405 and an empty page, as its database is locked.
func FailingPolyaxon(t testing.TB) string { return startHaupt(t).Host }

// Haupt is a Polyaxon 2.18 server with an agent, for tests that stop and restart the
// server's process. The agent and the runs are not affected by that.
type Haupt struct {
	// Host is the server's address. It does not change when the server is restarted.
	Host string

	t      testing.TB
	binary string
	dir    string
	// data is the directory of the runs' artifacts.
	data    string
	env     []string
	process *exec.Cmd
	agent   *agent
}

// NewHaupt is like Polyaxon, for tests that stop the server.
func NewHaupt(t testing.TB) *Haupt { return startHaupt(t, inTurn) }

func startHaupt(t testing.TB, environ ...string) *Haupt {
	t.Helper()
	s := newHaupt(t)
	s.agent = &agent{host: s.Host, data: s.data, pods: map[string]*pod{}}
	cluster := httptest.NewServer(s.agent.cluster())
	t.Cleanup(cluster.Close)
	if err := kubeconfig(s.dir, cluster); err != nil {
		t.Fatal(err)
	}
	s.env = append(s.env, "KUBECONFIG="+filepath.Join(s.dir, ".kube", "config"))
	s.env = append(s.env, environ...)
	s.Start()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); s.agent.run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return s
}

// newHaupt returns a server that is not started, and has no agent.
func newHaupt(t testing.TB) *Haupt {
	t.Helper()
	dir := shortDir(t)
	return &Haupt{
		t: t, dir: dir, data: filepath.Join(dir, "data"),
		binary: component(t, "haupt (Polyaxon 2.18)", filepath.Join("haupt", "bin", "haupt")),
		Host:   fmt.Sprintf("http://127.0.0.1:%d", freePorts(t, 1)[0]),
		env:    append(os.Environ(), "HOME="+dir, "POLYAXON_ARCHIVES_ROOT="+filepath.Join(dir, "archives")),
	}
}

// Start starts the server's process with the same port and data, and waits until it
// answers.
func (s *Haupt) Start() {
	s.t.Helper()
	_, port, _ := net.SplitHostPort(s.Host[len("http://"):])
	process, log := launch(s.t, s.dir, "haupt", s.env, s.binary, "sandbox", "start", "--host", "127.0.0.1", "--port", port, "--workers", "1", "--path", s.data)
	s.process = process
	await(s.t, log, 120*time.Second, http.DefaultClient, s.Host+"/api/v1/installation", []byte(`"version"`))
}

// Stop ends the server's process with SIGTERM and waits for it.
func (s *Haupt) Stop() { end(s.process) }

// Kill ends the server's process with SIGKILL and waits for it.
func (s *Haupt) Kill() { kill(s.process) }

// Skew sets how far the clock of the agent and its node is ahead of the server's clock.
// The times of lines and conditions are by that clock.
func (s *Haupt) Skew(d time.Duration) {
	s.agent.mu.Lock()
	defer s.agent.mu.Unlock()
	s.agent.skew = d
}
