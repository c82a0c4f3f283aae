// Package githubtest has a server that answers as the REST API of GitHub does for the comments
// of pull requests: with its pages, its limits and its refusals
// (docs.github.com/en/rest/issues/comments).
package githubtest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"
)

// Comment is a comment of the pull request.
type Comment struct {
	ID   int64  `json:"id"`
	Body string `json:"body"`
	URL  string `json:"html_url"`
	User User   `json:"user"`
}

// User is the author of a comment.
type User struct {
	Login string `json:"login"`
	Type  string `json:"type"`
}

// Server is a server with one pull request: number 7 of the repository acme/churn. Its token
// is ghs_workflow, of github-actions[bot].
type Server struct {
	URL string
	// Before is called before each request, and answers it if it returns true. It may be nil.
	Before func(http.ResponseWriter, *http.Request) bool
	// Head is the newest commit of the pull request, and From the repository that has it, acme/churn if
	// it is "". The token may not see the pull request if Head is "".
	Head, From string
	// Login is the user that the token writes as, Author if it is "".
	Login string

	mu       sync.Mutex
	comments []Comment
	last     int64
	requests []string
}

// Token is the token that the server accepts, and Author the user that a workflow writes as.
const (
	Token  = "ghs_workflow"
	Author = "github-actions[bot]"
)

const comments = "/repos/acme/churn/issues/7/comments"

// New starts a server, which ends with the test.
func New(tb testing.TB) *Server {
	tb.Helper()
	s := &Server{last: 1000}
	server := httptest.NewServer(s)
	tb.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

// Add adds a comment, and returns its ID.
func (s *Server) Add(author, body string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.add(author, body).ID
}

func (s *Server) author() string { return cmp.Or(s.Login, Author) }

func (s *Server) add(author, body string) Comment {
	s.last++
	c := Comment{ID: s.last, Body: body, URL: fmt.Sprintf("https://github.com/acme/churn/pull/7#issuecomment-%d", s.last), User: User{Login: author, Type: "Bot"}}
	s.comments = append(s.comments, c)
	return c
}

// Comments returns the comments, the oldest first.
func (s *Server) Comments() []Comment {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Comment(nil), s.comments...)
}

// Requests returns the requests so far, such as "GET /user".
func (s *Server) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.requests...)
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests = append(s.requests, r.Method+" "+r.URL.Path)
	s.mu.Unlock()
	if s.Before != nil && s.Before(w, r) {
		return
	}
	if r.Header.Get("Authorization") != "Bearer "+Token {
		Refuse(w, http.StatusUnauthorized, "Bad credentials")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id, one := strings.CutPrefix(r.URL.Path, "/repos/acme/churn/issues/comments/")
	switch {
	case r.URL.Path == "/graphql" && r.Method == http.MethodPost:
		answer(w, http.StatusOK, map[string]any{"data": map[string]any{"viewer": User{Login: s.author()}}})
	case r.URL.Path == "/user":
		Refuse(w, http.StatusForbidden, "Resource not accessible by integration")
	case r.URL.Path == "/repos/acme/churn/pulls/7" && s.Head != "":
		repo := func(name string) map[string]string { return map[string]string{"full_name": name} }
		answer(w, http.StatusOK, map[string]any{
			"number": 7, "head": map[string]any{"sha": s.Head, "repo": repo(cmp.Or(s.From, "acme/churn"))}, "base": map[string]any{"repo": repo("acme/churn")},
		})
	case r.URL.Path == comments && r.Method == http.MethodGet:
		s.list(w, r)
	case r.URL.Path == comments && r.Method == http.MethodPost:
		if body, ok := readBody(w, r); ok {
			answer(w, http.StatusCreated, s.add(s.author(), body))
		}
	case one:
		s.one(w, r, id)
	default:
		Refuse(w, http.StatusNotFound, "Not Found")
	}
}

func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	size, _ := strconv.Atoi(r.FormValue("per_page"))
	page, _ := strconv.Atoi(r.FormValue("page"))
	if size <= 0 {
		size = 30
	}
	size, page = min(size, 100), max(page, 1)
	from, to := min((page-1)*size, len(s.comments)), min(page*size, len(s.comments))
	if to < len(s.comments) {
		w.Header().Set("Link", fmt.Sprintf(`<%s%s?per_page=%d&page=1>; rel="first", <%s%s?per_page=%d&page=%d>; rel="next"`, s.URL, comments, size, s.URL, comments, size, page+1))
	}
	answer(w, http.StatusOK, append([]Comment{}, s.comments[from:to]...))
}

func (s *Server) one(w http.ResponseWriter, r *http.Request, id string) {
	for n := range s.comments {
		c := &s.comments[n]
		if strconv.FormatInt(c.ID, 10) != id {
			continue
		}
		switch r.Method {
		case http.MethodGet:
			answer(w, http.StatusOK, *c)
		case http.MethodPatch:
			if body, ok := readBody(w, r); ok {
				c.Body = body
				answer(w, http.StatusOK, *c)
			}
		case http.MethodDelete:
			s.comments = append(s.comments[:n], s.comments[n+1:]...)
			w.WriteHeader(http.StatusNoContent)
		}
		return
	}
	Refuse(w, http.StatusNotFound, "Not Found")
}

// readBody returns the text of a comment, unless it is empty or too long.
func readBody(w http.ResponseWriter, r *http.Request) (string, bool) {
	var in struct {
		Body string `json:"body"`
	}
	switch err := json.NewDecoder(r.Body).Decode(&in); {
	case err != nil:
		Refuse(w, http.StatusBadRequest, "Problems parsing JSON")
	case strings.TrimSpace(in.Body) == "":
		Refuse(w, http.StatusUnprocessableEntity, "Validation Failed")
	case utf8.RuneCountInString(in.Body) > 65_536:
		Refuse(w, http.StatusUnprocessableEntity, "Validation Failed: body is too long (maximum is 65536 characters)")
	default:
		return in.Body, true
	}
	return "", false
}

// Refuse answers as GitHub refuses a request.
func Refuse(w http.ResponseWriter, status int, message string) {
	if status == http.StatusForbidden {
		w.Header().Set("X-Accepted-GitHub-Permissions", "issues=write; pull_requests=write")
	}
	answer(w, status, map[string]string{"message": message, "documentation_url": "https://docs.github.com/rest", "status": strconv.Itoa(status)})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
