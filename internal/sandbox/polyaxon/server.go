// Package polyaxon is the sandbox's Polyaxon server: the HTTP API that slipway
// uses, with the answers of a real server, and an executor that really runs what is
// submitted, as processes of this machine. It is a server of 2.18 or of 1.11.3; what
// these do otherwise is their dialect.
//
// It differs from a real server where that has faults that nobody relies on:
// archives are never frozen, and writes at the same time are no problem.
package polyaxon

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/slipway-ci/slipway/internal/sandbox/container"
	"github.com/slipway-ci/slipway/internal/secret"
)

// owner is the only organization.
const owner = "default"

// maxBody bounds a request, in bytes.
const maxBody = 64 << 20

// Cluster is where mounted Secrets and ConfigMaps come from.
type Cluster interface {
	Secret(namespace, name string) (map[string][]byte, bool)
	ConfigMap(namespace, name string) (map[string][]byte, bool)
}

// Options say what a server works with.
type Options struct {
	// Dir is the sandbox's directory.
	Dir     string
	Cluster Cluster
	Runtime *container.Runtime
	// Namespace is the only one.
	Namespace string
	// Host is this server's own address, which jobs get. Token is what who may do
	// all has; a run's containers get one of their own.
	Host  string
	Token secret.Value
	Log   io.Writer
	// Owns reports whether Dir is still this server's; it is when nil.
	Owns func() bool
	// Now gives the time; by the clock when nil.
	Now func() time.Time
	// Public gives no error for an image that is of the sandbox's registry, or that
	// everybody may pull; all are when nil.
	Public func(ctx context.Context, image string) error
	// Capacity is what there is to request; the machine's when nil.
	Capacity *Capacity
	// Release is one of Releases; the newest when empty.
	Release string
	// Archive is how a release archives lines that does so file by file.
	Archive Archive
}

// Server is a Polyaxon server. It is safe for use by several goroutines.
type Server struct {
	options  Options
	dialect  *dialect
	store    *store
	executor *executor
	mux      *router
	// archiving is held while an archive is written.
	archiving sync.Mutex
}

// New gives a server with the state of o.Dir. Runs that were going on when the
// process before was killed have failed; those that waited go on.
func New(o Options) (*Server, error) {
	if o.Now == nil {
		o.Now = func() time.Time { return time.Now().UTC() }
	}
	if o.Owns == nil {
		o.Owns = func() bool { return true }
	}
	if o.Capacity == nil {
		o.Capacity = machine()
	}
	spoken, err := dialectOf(o.Release)
	if err != nil {
		return nil, err
	}
	st, err := openStore(filepath.Join(o.Dir, "polyaxon"), o.Now, o.Owns)
	if err != nil {
		return nil, err
	}
	s := &Server{options: o, dialect: spoken, store: st}
	s.executor = newExecutor(o, spoken, st)
	s.routes()
	return s, s.executor.recover()
}

// Active counts the runs that have not ended.
func (s *Server) Active() int { return s.executor.active() }

// Address gives where a service that runs answers, with its key.
func (s *Server) Address(uuid string) (string, bool) {
	serving := s.executor.serving(uuid)
	if serving == nil {
		return "", false
	}
	return serving.gate.Address(), true
}

// Close stops all runs, and waits for them until ctx ends.
func (s *Server) Close(ctx context.Context) error { return s.executor.close(ctx) }

// ServeHTTP serves the API.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for _, prefix := range s.dialect.gateways {
		if strings.HasPrefix(r.URL.Path, prefix) {
			s.service(w, r, prefix)
			return
		}
	}
	if len(r.URL.Path) > 1 {
		r.URL.Path = strings.TrimSuffix(r.URL.Path, "/") // servers take both
	}
	if s.dialect.basic && strings.HasPrefix(r.Header.Get("Authorization"), "Basic ") {
		reply(w, http.StatusForbidden, map[string]string{"detail": "Invalid username/password."})
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if _, pattern := s.mux.Handler(r); pattern == "" {
		s.nothing(w, r)
		return
	}
	s.mux.ServeHTTP(w, r)
}

// nothing is what servers answer to a path that they do not know.
func (s *Server) nothing(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html")
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	w.Header().Set("Allow", "GET, HEAD, OPTIONS")
	w.WriteHeader(http.StatusMethodNotAllowed)
}

func (s *Server) routes() {
	m := &router{http.NewServeMux()}
	s.mux = m
	m.HandleFunc("GET /api/v1/installation", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, s.dialect.installation)
	})
	const p = "/api/v1/{owner}/{project}"
	m.HandleFunc("POST /api/v1/{owner}/projects/create", s.createProject)
	m.HandleFunc("GET /api/v1/{owner}/projects/list", s.listProjects)
	m.HandleFunc("GET "+p, s.getProject)
	m.HandleFunc("PATCH "+p, s.patchProject)
	m.HandleFunc("DELETE "+p, s.deleteProject)
	m.HandleFunc("POST "+p+"/runs", s.createRun)
	m.HandleFunc("GET "+p+"/runs", s.listRuns)
	m.HandleFunc("POST "+p+"/runs/stop", s.bulk(s.stopRun))
	m.HandleFunc("DELETE "+p+"/runs/delete", s.bulk(s.deleteOne))
	const r = p + "/runs/{uuid}"
	m.HandleFunc("GET "+r, s.withRun(s.getRun))
	m.HandleFunc("PATCH "+r, s.withRun(s.patchRun))
	m.HandleFunc("DELETE "+r, s.deleteRun)
	m.HandleFunc("GET "+r+"/statuses", s.withRun(s.getStatuses))
	m.HandleFunc("POST "+r+"/statuses", s.withRun(s.postStatus))
	m.HandleFunc("POST "+r+"/stop", s.withRun(s.act(s.stopRun)))
	m.HandleFunc("POST "+r+"/approve", s.withRun(s.act(s.approveRun)))
	m.HandleFunc("POST "+r+"/restart", s.withRun(s.clone("restart")))
	m.HandleFunc("POST "+r+"/copy", s.withRun(s.clone("copy")))
	m.HandleFunc("POST "+r+"/resume", s.withRun(s.resumeRun))
	m.HandleFunc("GET "+r+"/namespace", s.withRun(func(w http.ResponseWriter, _ *http.Request, _ record) {
		reply(w, http.StatusOK, map[string]string{"namespace": s.options.Namespace})
	}))
	m.HandleFunc("GET "+r+"/lineage/artifacts", s.withRun(s.getLineage))
	m.HandleFunc("POST "+r+"/lineage/artifacts", s.withRun(s.postLineage))
	const t = "/streams/v1/{namespace}/{owner}/{project}/runs/{uuid}"
	m.HandleFunc("GET "+t+"/logs", s.logs)
	m.HandleFunc("GET "+t+"/artifacts/tree", s.tree)
	m.HandleFunc("GET "+t+"/artifact", s.artifact)
	m.HandleFunc("GET "+t+"/artifacts", s.archive)
	m.HandleFunc("POST "+t+"/artifact", s.upload)
	m.HandleFunc("POST "+t+"/artifacts", s.upload)
	m.HandleFunc("DELETE "+t+"/artifact", s.removeArtifact)
	m.HandleFunc("GET "+t+"/events/{kind}", s.events)
	s.dialect.routes(s, m)
}

// withRun gives a handler its run, or answers that there is none.
func (s *Server) withRun(handle func(http.ResponseWriter, *http.Request, record)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if s.project(r.PathValue("project")) == nil {
			notFound(w, "Project")
			return
		}
		run, ok := s.runOf(r)
		if !ok {
			notFound(w, "Run")
			return
		}
		handle(w, r, run)
	}
}

// runOf gives the run that a path names.
func (s *Server) runOf(r *http.Request) (record, bool) {
	run, ok := s.store.run(strings.ReplaceAll(r.PathValue("uuid"), "-", ""))
	return run, ok && run.Project == r.PathValue("project") && !(run.Deleted && s.dialect.forgets)
}

func notFound(w http.ResponseWriter, what string) {
	reply(w, http.StatusNotFound, map[string]string{"detail": "No " + what + " matches the given query."})
}

func reply(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body)
}

// read decodes a request's body, and answers when it is none.
func read(w http.ResponseWriter, r *http.Request, into any) bool {
	err := json.NewDecoder(r.Body).Decode(into)
	if err == nil || err == io.EOF { //nolint:errorlint // Decode gives it bare
		return true
	}
	reply(w, http.StatusBadRequest, map[string]string{"detail": "JSON parse error - " + err.Error()})
	return false
}

func newUUID() string {
	random := make([]byte, 16)
	if _, err := rand.Read(random); err != nil {
		return ""
	}
	return hex.EncodeToString(random)
}

// exception answers to a question that a server of Polyaxon fails at.
func (s *Server) exception(w http.ResponseWriter, why string) {
	if s.dialect.speechless {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	http.Error(w, why, http.StatusInternalServerError)
}

// broken tells what went wrong on this machine. A real server would answer an
// empty page; here the user can do something about it.
func (s *Server) broken(w http.ResponseWriter, err error) {
	reply(w, http.StatusInternalServerError, map[string]string{"detail": err.Error()})
}
