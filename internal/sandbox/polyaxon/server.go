// Package polyaxon is the sandbox's Polyaxon server. It has the part of the HTTP API that
// slipway uses, with the responses of a real server, and an executor that runs what is
// submitted as processes of this machine. It is a server of release 2.18 or 1.11.3; the
// differences between them are in their dialects.
//
// It does not reproduce faults of a real server that nobody relies on: archives are never
// frozen, and concurrent writes are safe.
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

// maxBody is the limit of a request's body in bytes.
const maxBody = 64 << 20

// Cluster provides the Secrets and ConfigMaps that pods mount. Its methods return the
// data and whether the object exists.
type Cluster interface {
	Secret(namespace, name string) (map[string][]byte, bool)
	ConfigMap(namespace, name string) (map[string][]byte, bool)
}

// Options configure a Server.
type Options struct {
	// Dir is the sandbox's directory.
	Dir     string
	Cluster Cluster
	Runtime *container.Runtime
	// Namespace is the only namespace.
	Namespace string
	// Host is this server's own address, which jobs get. Token is the token of the user,
	// who may do everything. A run's containers get a token of their own.
	Host  string
	Token secret.Value
	Log   io.Writer
	// Owns reports whether Dir still belongs to this server. Nil means that it does.
	Owns func() bool
	// Now returns the time. Nil means the system's clock, in UTC.
	Now func() time.Time
	// Public returns nil for an image of the sandbox's registry or one that everybody may
	// pull. If Public is nil, all images are public.
	Public func(ctx context.Context, image string) error
	// Capacity is what runs can request. Nil means this machine's capacity.
	Capacity *Capacity
	// Release is one of Releases. Empty means the newest.
	Release string
	// Archive configures a release that archives logs in files.
	Archive Archive
}

// Server is a Polyaxon server. It is safe for concurrent use.
type Server struct {
	options  Options
	dialect  *dialect
	store    *store
	executor *executor
	mux      *router
	// archiving is held while an archive is written.
	archiving sync.Mutex
}

// New returns a server with the state in o.Dir. Runs that were running when the previous
// process was killed have failed; those that were waiting continue.
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

// Active returns the number of runs that have not ended.
func (s *Server) Active() int { return s.executor.active() }

// Address returns the URL of a running service, with its key, and whether it runs.
func (s *Server) Address(uuid string) (string, bool) {
	serving := s.executor.serving(uuid)
	if serving == nil {
		return "", false
	}
	return serving.gate.Address(), true
}

// Close stops all runs and waits for their end, at most until ctx is done.
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
		r.URL.Path = strings.TrimSuffix(r.URL.Path, "/") // servers accept paths with and without it
	}
	if s.dialect.refusesBasicAuth && strings.HasPrefix(r.Header.Get("Authorization"), "Basic ") {
		reply(w, http.StatusForbidden, map[string]string{"detail": "Invalid username/password."})
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if _, pattern := s.mux.Handler(r); pattern == "" {
		s.unknownPath(w, r)
		return
	}
	s.mux.ServeHTTP(w, r)
}

// unknownPath is the response of a server to an unknown path.
func (s *Server) unknownPath(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html")
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	w.Header().Set("Allow", "GET, HEAD, OPTIONS")
	w.WriteHeader(http.StatusMethodNotAllowed)
}

func (s *Server) routes() {
	m := &router{http.NewServeMux(), s.mayChange}
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

// withRun returns a handler that passes the run in the path to handle. It responds with
// 404 if there is none.
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

// runOf returns the run that a path names.
func (s *Server) runOf(r *http.Request) (record, bool) {
	run, ok := s.store.run(strings.ReplaceAll(r.PathValue("uuid"), "-", ""))
	return run, ok && run.Project == r.PathValue("project") && !(run.Deleted && s.dialect.hidesDeleted)
}

func notFound(w http.ResponseWriter, what string) {
	reply(w, http.StatusNotFound, map[string]string{"detail": "No " + what + " matches the given query."})
}

func reply(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body)
}

// read decodes a request's body and reports whether it is valid. If it is not, read
// responds.
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

// serverFault is the response to a request that a real server of Polyaxon fails at.
func (s *Server) serverFault(w http.ResponseWriter, why string) {
	if s.dialect.emptyErrors {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	http.Error(w, why, http.StatusInternalServerError)
}

// internalError reports an error of this machine. A real server would respond with an empty
// page; here the user can fix the cause.
func (s *Server) internalError(w http.ResponseWriter, err error) {
	reply(w, http.StatusInternalServerError, map[string]string{"detail": err.Error()})
}
