package sandbox_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/run"
)

// resettingProxy is a proxy that resets connections after a random number of bytes. For a
// while in the middle it resets all of them, as if the server restarted.
type resettingProxy struct {
	to     string
	mu     sync.Mutex
	random *rand.Rand
	resets atomic.Int64
	away   atomic.Bool
	// back ends away, some time after the first connection was refused.
	back sync.Once
}

// allowance returns how many bytes of responses a connection lets through.
func (p *resettingProxy) allowance() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.random.IntN(3) == 0 {
		return 1 << 40
	}
	return p.random.Int64N(3 << 20)
}

func (p *resettingProxy) serve(listener net.Listener) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		go p.pass(client.(*net.TCPConn))
	}
}

func (p *resettingProxy) pass(client *net.TCPConn) {
	defer client.Close()
	server, err := net.Dial("tcp", p.to)
	if err != nil {
		return
	}
	defer server.Close()
	go func() { _, _ = io.Copy(server, client) }()
	allowed := p.allowance()
	if p.away.Load() {
		allowed = 0
		p.back.Do(func() { time.AfterFunc(500*time.Millisecond, func() { p.away.Store(false) }) })
	}
	if n, _ := io.CopyN(client, server, allowed); n == allowed {
		p.resets.Add(1)
		_ = client.SetLinger(0)
	}
}

// numberedLines checks that every line comes once and in order.
type numberedLines struct {
	next  int
	wrong string
	at    func(n int)
}

func (s *numberedLines) Status(polyaxon.Condition) {}
func (s *numberedLines) Waits(string)              {}
func (*numberedLines) Progress(string)             {}

// Note treats every note as an error, except that the log is not complete yet.
func (s *numberedLines) Note(text string) {
	if !strings.Contains(text, "waiting for its log") {
		s.wrong += text + "\n"
	}
}

func (s *numberedLines) Line(l polyaxon.LogLine) {
	if want := fmt.Sprint("line ", s.next); l.Value != want && s.wrong == "" {
		s.wrong = fmt.Sprintf("%q came, want %q", l.Value, want)
	}
	s.at(s.next)
	s.next++
}

func TestHundredThousandLinesThroughResets(t *testing.T) {
	s := join(t, t.TempDir())
	const count = 100_000
	direct, err := polyaxon.New(polyaxon.Options{Host: s.Polyaxon, Token: s.Token})
	if err != nil {
		t.Fatal(err)
	}
	if err := direct.EnsureProject(t.Context(), "lines"); err != nil {
		t.Fatal(err)
	}
	content := fmt.Sprintf(`{"version": 1.1, "kind": "operation", "component": {"kind": "component", "version": 1.1, "run": {"kind": "job",
		"container": {"image": %q, "command": ["/app/job", "lines=%d", "sleep=1", "lines=0"]}}}}`, pushJob(t, s), count)
	made, err := direct.CreateRun(t.Context(), "lines", polyaxon.CreateRun{Content: content})
	if err != nil {
		t.Fatal(err)
	}

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	proxy := &resettingProxy{to: strings.TrimPrefix(s.Polyaxon, "http://"), random: rand.New(rand.NewPCG(5, 8))} //nolint:gosec // a test's
	go proxy.serve(listener)
	transport := &http.Transport{DisableKeepAlives: true}
	client, err := polyaxon.New(polyaxon.Options{Host: "http://" + listener.Addr().String(), Token: s.Token, Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	sink := &numberedLines{at: func(n int) {
		if n == count/3 {
			proxy.away.Store(true)
		}
	}}
	outcome, err := run.Follow(t.Context(), client, run.Target{Namespace: s.Namespace, Project: "lines", UUID: made.UUID, Kind: "job"},
		run.FollowOptions{Logs: true, CompleteLive: true, Poll: 100 * time.Millisecond}, sink)
	if err != nil || outcome.Run.Status != polyaxon.Succeeded {
		t.Fatal(outcome, err)
	}
	if sink.wrong != "" || sink.next != count {
		t.Errorf("%d lines came; %s", sink.next, sink.wrong)
	}
	if proxy.resets.Load() == 0 {
		t.Error("nothing was reset")
	}
}
