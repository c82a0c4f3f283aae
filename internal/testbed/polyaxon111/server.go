// Package polyaxon111 stands in for a Polyaxon 1.11.3 server, whose own is
// published as images only: it gives the answers that were recorded from one
// (testdata), behaves as that was seen to, and really runs what is submitted, as
// processes of this machine.
//
// Its compiler is slipway's own, which writes as 2.18 does. Where nothing was
// recorded, the comments say so.
package polyaxon111

import (
	"compress/gzip"
	"context"
	"crypto/rand"
	"embed"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// Namespace is where this server's runs are. The one in a path is not read.
const Namespace = "polyaxon-v1"

// Server is a stand-in of a server behind its gateway.
type Server struct {
	// dir holds the artifacts of runs, one directory each.
	dir    string
	mux    *http.ServeMux
	ctx    context.Context
	cancel context.CancelFunc
	group  sync.WaitGroup

	mu       sync.Mutex
	projects map[string]*project
	runs     map[string]*run
}

// Start starts a server and gives its address. It ends with the test.
func Start(t testing.TB) string {
	server := New(t.TempDir())
	listening := httptest.NewServer(server)
	t.Cleanup(func() { listening.Close(); server.Close() })
	return listening.URL
}

// New gives a server that keeps artifacts in dir.
func New(dir string) *Server {
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{dir: dir, ctx: ctx, cancel: cancel, projects: map[string]*project{}, runs: map[string]*run{}}
	s.routes()
	return s
}

// Close kills what still runs.
func (s *Server) Close() {
	s.cancel()
	s.group.Wait()
}

func (s *Server) routes() {
	m := http.NewServeMux()
	s.mux = m
	m.HandleFunc("GET /api/v1/installation", recorded("installation"))
	// The owner is not read.
	m.HandleFunc("POST /api/v1/{owner}/projects/create", s.createProject)
	m.HandleFunc("GET /api/v1/{owner}/projects/list", s.listProjects)
	const p = "/api/v1/{owner}/{project}"
	m.HandleFunc("GET "+p, s.inProject(s.getProject))
	m.HandleFunc("DELETE "+p, s.inProject(s.deleteProject))
	m.HandleFunc("POST "+p+"/runs", s.inProject(s.createRun))
	m.HandleFunc("GET "+p+"/runs", s.inProject(s.listRuns))
	const r = p + "/runs/{uuid}"
	m.HandleFunc("GET "+r, s.ofRun(s.getRun))
	m.HandleFunc("PATCH "+r, s.ofRun(s.patchRun))
	m.HandleFunc("DELETE "+r, s.ofRun(s.deleteRun))
	m.HandleFunc("GET "+r+"/statuses", s.ofRun(s.getStatuses))
	m.HandleFunc("POST "+r+"/statuses", s.ofRun(s.postStatus))
	m.HandleFunc("POST "+r+"/stop", s.ofRun(s.stopRun))
	m.HandleFunc("POST "+r+"/approve", s.ofRun(s.approveRun))
	m.HandleFunc("POST "+r+"/restart", s.ofRun(s.clone("restart")))
	m.HandleFunc("POST "+r+"/copy", s.ofRun(s.clone("copy")))
	m.HandleFunc("POST "+r+"/resume", s.ofRun(s.resumeRun))
	m.HandleFunc("GET "+r+"/namespace", s.ofRun(func(w http.ResponseWriter, _ *http.Request, _ *run) {
		reply(w, http.StatusOK, map[string]string{"namespace": Namespace})
	}))
	m.HandleFunc("GET "+r+"/lineage/artifacts", s.ofRun(s.getLineage))
	m.HandleFunc("POST "+r+"/lineage/artifacts", s.ofRun(s.postLineage))
	const t = "/streams/v1/{namespace}/{owner}/{project}/runs/{uuid}"
	m.HandleFunc("GET "+t+"/logs", s.logs)
	m.HandleFunc("GET "+t+"/artifacts/tree", s.tree)
	m.HandleFunc("GET "+t+"/artifact", s.artifact)
	m.HandleFunc("DELETE "+t+"/artifact", s.removeArtifact)
	m.HandleFunc("GET "+t+"/artifacts", s.directory)
	m.HandleFunc("POST "+t+"/artifact", s.upload)
	m.HandleFunc("POST "+t+"/artifacts", s.upload)
	m.HandleFunc("GET "+t+"/events/{kind}", s.events)
	const v = "services/v1/{namespace}/{owner}/{project}/runs/{uuid}/{rest...}"
	m.HandleFunc("/"+v, s.service(false))
	m.HandleFunc("/rewrite-"+v, s.service(true))
}

// ServeHTTP serves the API. What it does not know is answered as Django's views of
// errors answer, which only know GET: 405 and an empty page to all else.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/api/") || strings.HasPrefix(r.URL.Path, "/streams/") {
		r.URL.Path = strings.TrimSuffix(r.URL.Path, "/")
		if strings.HasPrefix(r.Header.Get("Authorization"), "Basic ") {
			recorded("basic-auth")(w, r)
			return
		}
	}
	if _, pattern := s.mux.Handler(r); pattern == "" {
		unknown(w, r)
		return
	}
	s.mux.ServeHTTP(w, r)
}

func unknown(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		recorded("not-found-page")(w, r)
		return
	}
	recorded("exception")(w, r)
}

//go:embed testdata
var testdata embed.FS

// recorded answers with what the real server answered, word for word; pairs of
// replacements put in what depends on the question.
func recorded(name string, replace ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var answer struct {
			Status     int
			Type, Body string
		}
		text, err := testdata.ReadFile(path.Join("testdata", name+".json"))
		if err == nil {
			err = json.Unmarshal(text, &answer)
		}
		if err != nil {
			panic(err) // a test's own data
		}
		w.Header().Set("Content-Type", answer.Type)
		if answer.Status == http.StatusMethodNotAllowed {
			w.Header().Set("Allow", "GET, HEAD, OPTIONS")
		}
		w.WriteHeader(answer.Status)
		_, _ = w.Write([]byte(strings.NewReplacer(replace...).Replace(answer.Body)))
	}
}

func reply(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body)
}

// page answers a list, packed when that is smaller, whether it was asked for or not.
func page(w http.ResponseWriter, r *http.Request, all []any, limit, offset int) {
	offset = min(offset, len(all))
	part := all[offset:min(len(all), offset+limit)]
	var next any
	if offset+limit < len(all) { // with the host that the server saw
		next = "http://" + r.Host + r.URL.Path + "?limit=...&offset=..."
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Encoding", "gzip")
	w.WriteHeader(http.StatusOK)
	zip := gzip.NewWriter(w)
	_ = json.NewEncoder(zip).Encode(map[string]any{"count": len(all), "next": next, "previous": nil, "results": append([]any{}, part...)})
	_ = zip.Close()
}

func newUUID() string {
	random := make([]byte, 16)
	_, _ = rand.Read(random) // it never fails
	return hex.EncodeToString(random)
}

func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("2006-01-02T15:04:05.000000Z")
}

// project is a project as it is kept and told.
type project struct {
	UUID        string `json:"uuid"`
	Name        string `json:"name"`
	Description string `json:"description"`
	CreatedAt   any    `json:"created_at"`
}

var slug = regexp.MustCompile(`^[-a-zA-Z0-9_]{1,128}$`)

func (s *Server) createProject(w http.ResponseWriter, r *http.Request) {
	var body struct{ Name, Description string }
	if json.NewDecoder(r.Body).Decode(&body) != nil || !slug.MatchString(body.Name) {
		recorded("name")(w, r)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.projects[body.Name] != nil {
		recorded("project-exists")(w, r)
		return
	}
	p := &project{UUID: newUUID(), Name: body.Name, Description: body.Description, CreatedAt: stamp(time.Now())}
	s.projects[p.Name] = p
	reply(w, http.StatusCreated, p)
}

func (s *Server) listProjects(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []any{}
	for _, p := range s.projects {
		all = append(all, p)
	}
	limit, offset := window(r)
	page(w, r, all, limit, offset)
}

func notFound(w http.ResponseWriter, what string) {
	reply(w, http.StatusNotFound, map[string]string{"detail": "No " + what + " matches the given query."})
}

// inProject gives a handler its project.
func (s *Server) inProject(handle func(http.ResponseWriter, *http.Request, *project)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		p := s.projects[r.PathValue("project")]
		s.mu.Unlock()
		switch {
		case !slug.MatchString(r.PathValue("project")): // no path of the server has it
			unknown(w, r)
		case p == nil:
			notFound(w, "Project")
		default:
			handle(w, r, p)
		}
	}
}

func (s *Server) getProject(w http.ResponseWriter, _ *http.Request, p *project) {
	reply(w, http.StatusOK, p)
}

func (s *Server) deleteProject(w http.ResponseWriter, _ *http.Request, p *project) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for uuid, r := range s.runs {
		if r.project == p.Name {
			r.stop()
			delete(s.runs, uuid)
		}
	}
	delete(s.projects, p.Name)
	w.WriteHeader(http.StatusNoContent)
}
