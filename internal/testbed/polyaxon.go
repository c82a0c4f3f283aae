package testbed

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

// Without it writes at the same time fail: SQLite is locked.
const inTurn = `POLYAXON_DB_OPTIONS={"transaction_mode":"IMMEDIATE","timeout":30}`

// Polyaxon starts a Polyaxon 2.18 server, with an agent that really runs what is
// submitted to it, and gives its address. Both end with the test.
func Polyaxon(t testing.TB) string { return NewHaupt(t).Host }

// FailingPolyaxon starts a server as Polyaxon does, whose every other write at the
// same time fails: with 405 and an empty page, for its database is locked.
func FailingPolyaxon(t testing.TB) string { return startHaupt(t).Host }

// Haupt is a Polyaxon 2.18 server with an agent, for tests that stop the server's
// process and start it again. The agent and what it runs go on meanwhile.
type Haupt struct {
	// Host is the server's address; it stays.
	Host string

	t       testing.TB
	binary  string
	dir     string
	env     []string
	process *exec.Cmd
	agent   *agent
}

// NewHaupt is Polyaxon, for tests that stop the server. It ends with the test.
func NewHaupt(t testing.TB) *Haupt { return startHaupt(t, inTurn) }

func startHaupt(t testing.TB, environ ...string) *Haupt {
	t.Helper()
	dir := shortDir(t)
	s := &Haupt{t: t, binary: component(t, "haupt (Polyaxon 2.18)", filepath.Join("haupt", "bin", "haupt")), dir: dir,
		Host: fmt.Sprintf("http://127.0.0.1:%d", freePorts(t, 1)[0])}
	s.agent = &agent{host: s.Host, data: filepath.Join(dir, "data"), pods: map[string]*pod{}}
	cluster := httptest.NewServer(s.agent.cluster())
	t.Cleanup(cluster.Close)
	if err := kubeconfig(dir, cluster); err != nil {
		t.Fatal(err)
	}
	s.env = append(os.Environ(), "HOME="+dir, "KUBECONFIG="+filepath.Join(dir, ".kube", "config"), "POLYAXON_ARCHIVES_ROOT="+filepath.Join(dir, "archives"))
	s.env = append(s.env, environ...)
	s.Start()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); s.agent.run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return s
}

// Start starts the server's process, on the same port and data as before, and waits
// until it answers.
func (s *Haupt) Start() {
	s.t.Helper()
	_, port, _ := net.SplitHostPort(s.Host[len("http://"):])
	process, log := launch(s.t, s.dir, "haupt", s.env, s.binary, "sandbox", "start", "--host", "127.0.0.1", "--port", port, "--workers", "1", "--path", s.agent.data)
	s.process = process
	await(s.t, log, 120*time.Second, http.DefaultClient, s.Host+"/api/v1/installation", []byte(`"version"`))
}

// Stop ends the server's process by SIGTERM, and returns when it has ended.
func (s *Haupt) Stop() { end(s.process) }

// Kill ends the server's process by SIGKILL, and returns when it has ended.
func (s *Haupt) Kill() { kill(s.process) }

// Skew sets how far the clock of the agent and of its node, by which lines and
// conditions have their times, is ahead of the server's.
func (s *Haupt) Skew(d time.Duration) {
	s.agent.mu.Lock()
	defer s.agent.mu.Unlock()
	s.agent.skew = d
}
