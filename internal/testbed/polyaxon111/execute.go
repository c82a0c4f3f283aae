package polyaxon111

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/testbed/program"
)

// chunk is how many lines one file of an archive holds. The real server's hold
// 2,000; few make a small log have several.
const chunk = 50

// schedule compiles a run and starts it: scheduler, operator and kubelet. The lock
// is held.
func (s *Server) schedule(r *run) {
	compiled, err := compile(r)
	if err != nil {
		r.set("failed", "SchedulerPrepare", "Failed to compile.\n"+err.Error(), false)
		return
	}
	r.content, r.inputs = string(compiled.JSON()), compiled.Inputs
	r.set("compiled", "SchedulerPrepare", "Run is compiled", false)
	if !r.managed { // a dry run
		return
	}
	r.set("queued", "SchedulerStart", "Run is queued", false)
	r.set("scheduled", "SchedulerStart", "Run is scheduled", false)
	ctx, cancel := context.WithCancel(s.ctx)
	r.cancel, r.port, r.live = cancel, program.Port(r.content), nil
	s.group.Add(1)
	go func() {
		defer s.group.Done()
		defer cancel()
		s.execute(ctx, r, r.content)
	}()
}

func (s *Server) tell(r *run, status, reason, message string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.set(status, reason, message, false)
}

// execute runs the process. The pod's lines are there until its log is archived,
// a moment after the run has ended.
func (s *Server) execute(ctx context.Context, r *run, content string) {
	s.tell(r, "starting", "PodCreated", "")
	s.tell(r, "running", "PodRunning", "")
	err := program.Run(ctx, content, filepath.Join(s.dir, r.uuid), func(text string) {
		s.mu.Lock()
		defer s.mu.Unlock()
		r.live = append(r.live, line{time.Now().UTC(), "plx-operation-" + r.uuid + "-0", "polyaxon-main", text})
	})
	switch {
	case ctx.Err() != nil:
		s.tell(r, "stopped", "StateManager", "Run is stopped")
	case err != nil:
		s.tell(r, "failed", "PodFailed", err.Error())
	default:
		s.tell(r, "succeeded", "PodSucceeded", "")
	}
	select {
	case <-s.ctx.Done():
	case <-time.After(20 * time.Millisecond):
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.archive(r)
	r.live, r.cancel, r.port = nil, nil, 0
}

// archive writes plxlogs, whose files are named by when they were written.
func (s *Server) archive(r *run) {
	dir := filepath.Join(s.dir, r.uuid, "plxlogs")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return
	}
	at := time.Now().Unix()
	for from := 0; from < len(r.live); from += chunk {
		text, err := json.Marshal(map[string]any{"logs": r.live[from:min(len(r.live), from+chunk)]})
		if err == nil {
			_ = os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.%04d", at, from/chunk)), text, 0o644)
		}
	}
}

// service passes a request on to a service's port, as the gateway does.
func (s *Server) service(rewrite bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		port := 0
		if found := s.runs[r.PathValue("uuid")]; found != nil {
			port = found.port
		}
		s.mu.Unlock()
		if port == 0 {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		proxy := &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(&url.URL{Scheme: "http", Host: fmt.Sprintf("127.0.0.1:%d", port)})
			if rewrite {
				p.Out.URL.Path = "/" + strings.TrimPrefix(r.PathValue("rest"), "/")
			}
		}}
		proxy.ServeHTTP(w, r)
	}
}
