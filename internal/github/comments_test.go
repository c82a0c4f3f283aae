package github

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/github/githubtest"
	"github.com/slipway-ci/slipway/internal/secret"
)

const marker = "<!-- slipway project=churn -->"

var pull = PullRequest{Repository: "acme/churn", Number: 7}

// client returns a client of the server that does not wait.
func client(s *githubtest.Server, waits *[]time.Duration) *Client {
	return &Client{URL: s.URL, Token: secret.NewValue([]byte(githubtest.Token)), Transport: http.DefaultTransport, Sleep: func(ctx context.Context, d time.Duration) error {
		if waits != nil {
			*waits = append(*waits, d)
		}
		return ctx.Err()
	}}
}

// text is a line that is added to what was there.
type text string

func (t text) Render(now string) string { return cmp.Or(now, marker) + "\n" + string(t) }

func (t text) In(now string) bool { return strings.Contains(now+"\n", "\n"+string(t)+"\n") }

// TestComment writes a comment twice, among those of others that look alike, on pages.
func TestComment(t *testing.T) {
	t.Parallel()
	s := githubtest.New(t)
	for range 120 {
		s.Add("somebody", "no marker")
	}
	s.Add("mallory", marker+"\na comment that looks like slipway's")
	s.Add(githubtest.Author, "Thank you for:\n> "+marker) // another workflow, which repeats what somebody wrote
	c := client(s, nil)
	first, err := c.Comment(t.Context(), pull, marker, text("one"))
	if err != nil || !strings.Contains(first, "#issuecomment-1123") {
		t.Fatal(first, err)
	}
	s.Add("somebody", marker)
	again, err := c.Comment(t.Context(), pull, marker, text("two"))
	all := s.Comments()
	if err != nil || again != first || len(all) != 124 || all[122].Body != marker+"\none\ntwo" || all[121].Body != "Thank you for:\n> "+marker || all[120].Body != marker+"\na comment that looks like slipway's" {
		t.Errorf("%s, %v, %+v", again, err, all[120:])
	}
}

// TestCommentOnEnterpriseServer writes a comment and finds it again, on the second page, where the API is
// below /api/v3 of another host, as GitHub Enterprise Server has it, and GraphQL is at /api/graphql. No request
// goes elsewhere.
func TestCommentOnEnterpriseServer(t *testing.T) {
	t.Parallel()
	s := githubtest.New(t)
	s.Login = "slipway-bot[bot]"
	const prefix = "/api/v3"
	var outside atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/api/graphql":
			http.StripPrefix("/api", s).ServeHTTP(w, r)
			return
		case !strings.HasPrefix(r.URL.Path, prefix+"/"):
			outside.Add(1)
		}
		http.StripPrefix(prefix, s).ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	s.URL = server.URL + prefix // as its links name it
	for range 120 {
		s.Add("somebody", "no marker")
	}
	c := client(s, nil)
	first, err := c.Comment(t.Context(), pull, marker, text("one"))
	again, err2 := c.Comment(t.Context(), pull, marker, text("two"))
	if all := s.Comments(); err != nil || err2 != nil || again != first || len(all) != 121 || all[120].Body != marker+"\none\ntwo" || slices.Index(s.Requests(), "POST /graphql") < 0 || outside.Load() != 0 {
		t.Errorf("%s, %v, %s, %v: %d comments, and %d requests elsewhere", first, err, again, err2, len(all), outside.Load())
	}
}

// TestCommentRaces writes the first comment from several processes at once: one is left, with
// what each has to say.
func TestCommentRaces(t *testing.T) {
	t.Parallel()
	s := githubtest.New(t)
	var listed sync.WaitGroup
	listed.Add(3)
	var once [3]sync.Once
	n := 0
	var mu sync.Mutex
	s.Before = func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPost { // nobody writes before all have looked
			mu.Lock()
			mine := &once[n%3]
			n++
			mu.Unlock()
			mine.Do(listed.Done)
			listed.Wait()
		}
		return false
	}
	var group sync.WaitGroup
	for _, word := range []text{"one", "two", "three"} {
		c := client(s, nil)
		c.Sleep = nil
		group.Go(func() {
			if _, err := c.Comment(t.Context(), pull, marker, word); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	all := s.Comments()
	if len(all) != 1 || all[0].ID != 1001 || !text("one").In(all[0].Body) || !text("two").In(all[0].Body) || !text("three").In(all[0].Body) {
		t.Errorf("%+v", all)
	}
}

// TestCommentUpdates writes into a comment from several processes at once, which all have read it before
// the first one writes. It has what each has to say. One that always loses gives up.
func TestCommentUpdates(t *testing.T) {
	t.Parallel()
	s := githubtest.New(t)
	s.Add(githubtest.Author, marker)
	var read sync.WaitGroup
	read.Add(3)
	var asked, written atomic.Int32
	s.Before = func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPatch && asked.Add(1) <= 3 {
			read.Done()
			read.Wait()
		}
		return false
	}
	var group sync.WaitGroup
	for _, word := range []text{"one", "two", "three"} {
		c := client(s, nil)
		c.Sleep = func(context.Context, time.Duration) error {
			for written.Add(1); written.Load() < 3; { // until all have written once
				time.Sleep(time.Millisecond)
			}
			return nil
		}
		group.Go(func() {
			if _, err := c.Comment(t.Context(), pull, marker, word); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if all := s.Comments(); len(all) != 1 || !text("one").In(all[0].Body) || !text("two").In(all[0].Body) || !text("three").In(all[0].Body) {
		t.Errorf("%+v", all)
	}
	s.Before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPatch {
			_, _ = w.Write([]byte("{}")) // another process wins
		}
		return r.Method == http.MethodPatch
	}
	if _, err := client(s, nil).Comment(t.Context(), pull, marker, text("four")); err == nil || !strings.Contains(err.Error(), "its text was replaced 5 times") {
		t.Error(err)
	}
}

// TestCommentOfAnApp writes with the token of an app, which may not ask REST for its own login: it
// writes into its own comment, and no new one comes, which would be an e-mail for each push.
func TestCommentOfAnApp(t *testing.T) {
	t.Parallel()
	s := githubtest.New(t)
	s.Login = "slipway-bot[bot]"
	s.Add(githubtest.Author, marker)
	id := s.Add(s.Login, marker)
	if _, err := client(s, nil).Comment(t.Context(), pull, marker, text("new")); err != nil {
		t.Fatal(err)
	}
	if all := s.Comments(); len(all) != 2 || all[1].ID != id || all[1].Body != marker+"\nnew" || all[0].Body != marker {
		t.Errorf("%+v", all)
	}
	if asked := s.Requests(); slices.Contains(asked, "POST /repos/acme/churn/issues/7/comments") {
		t.Errorf("a comment was created: %v", asked)
	}
}

// TestCommentWithoutLogin finds its comment by the author of a new one, where the login of the token
// is not told, or is another.
func TestCommentWithoutLogin(t *testing.T) {
	t.Parallel()
	s := githubtest.New(t)
	s.Add("github-actions-of-another[bot]", marker)
	id := s.Add(githubtest.Author, marker)
	s.Before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/user" {
			_, _ = w.Write([]byte(`{"login": "somebody"}`))
		}
		return r.URL.Path == "/user"
	}
	if _, err := client(s, nil).Comment(t.Context(), pull, marker, text("new")); err != nil {
		t.Fatal(err)
	}
	s.Before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/graphql" {
			githubtest.Refuse(w, http.StatusNotFound, "Not Found")
		}
		return r.URL.Path == "/graphql"
	}
	if _, err := client(s, nil).Comment(t.Context(), pull, marker, text("again")); err != nil {
		t.Fatal(err)
	}
	if all := s.Comments(); len(all) != 2 || all[1].ID != id || all[1].Body != marker+"\nnew\nagain" || all[0].Body != marker {
		t.Errorf("%+v", all)
	}
}

// TestForbidden checks that only a missing permission is told as one. GitHub has no codes for the
// others: the messages are its own.
func TestForbidden(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]string{
		"Resource not accessible by integration":                               "give the job permissions: {pull-requests: write}",
		"Unable to create comment because issue is locked.":                    "until the conversation of the pull request is unlocked",
		"Repository was archived so is read-only.":                             "in an archived repository",
		"You have exceeded a secondary rate limit. Please wait a few minutes.": "a limit of requests",
	} {
		s := githubtest.New(t)
		s.Before = func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodPost {
				githubtest.Refuse(w, http.StatusForbidden, message)
			}
			return r.Method == http.MethodPost
		}
		_, err := client(s, nil).Comment(t.Context(), pull, marker, text("x"))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "permissions:") != strings.Contains(want, "permissions:") {
			t.Errorf("%s: %v", message, err)
		}
	}
}

// TestCommentDeleted writes a new comment if the old one goes while it is updated.
func TestCommentDeleted(t *testing.T) {
	t.Parallel()
	s := githubtest.New(t)
	s.Add(githubtest.Author, marker)
	s.Before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPatch {
			githubtest.Refuse(w, http.StatusNotFound, "Not Found")
		}
		return r.Method == http.MethodPatch
	}
	if _, err := client(s, nil).Comment(t.Context(), pull, marker, text("new")); err == nil {
		t.Error("the comment that cannot be updated is still there, and was not told")
	}
	s = githubtest.New(t)
	id := s.Add(githubtest.Author, marker)
	s.Before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPatch {
			s.Before = nil
			request, _ := http.NewRequest(http.MethodDelete, s.URL+r.URL.Path, nil)
			request.Header.Set("Authorization", "Bearer "+githubtest.Token)
			if answer, err := http.DefaultClient.Do(request); err != nil || answer.Body.Close() != nil {
				t.Error(err)
			}
		}
		return false
	}
	if _, err := client(s, nil).Comment(t.Context(), pull, marker, text("new")); err != nil {
		t.Fatal(err)
	}
	if all := s.Comments(); len(all) != 1 || all[0].ID == id || all[0].Body != marker+"\nnew" {
		t.Errorf("%+v", all)
	}
}

// TestCommentRefused checks what GitHub's refusals become, and what is asked again.
func TestCommentRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		before   func(s *githubtest.Server) func(http.ResponseWriter, *http.Request) bool
		want     string // of the error, "" for none
		waits    int
		comments int
	}{
		"no permission":             {refuse(http.MethodPost, 403, nil, 99), "pull-requests: write", 0, 0},
		"no access":                 {refuse(http.MethodGet, 404, nil, 99), "cannot see the repository", 0, 0},
		"bad token":                 {refuse(http.MethodGet, 401, nil, 99), "GITHUB_TOKEN is not valid", 0, 0},
		"too long":                  {refuse(http.MethodPost, 422, nil, 99), "422 no", 0, 0},
		"limited for a moment":      {refuse(http.MethodPost, 429, http.Header{"Retry-After": {"2"}}, 1), "", 1, 1},
		"limited for a second time": {refuse(http.MethodGet, 403, http.Header{"Retry-After": {"1"}}, 2), "", 2, 1},
		"limited for an hour":       {refuse(http.MethodGet, 403, http.Header{"Retry-After": {"3600"}}, 99), "a limit of requests", 0, 0},
		"no requests left":          {refuse(http.MethodGet, 403, http.Header{"X-Ratelimit-Remaining": {"0"}}, 99), "a limit of requests", 0, 0},
		"fails once when it lists":  {refuse(http.MethodGet, 502, nil, 1), "", 1, 1},
		"fails when it creates":     {refuse(http.MethodPost, 502, nil, 1), "502", 0, 0}, // it may have been created
		"fails always":              {refuse(http.MethodGet, 503, nil, 99), "503", 3, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := githubtest.New(t)
			s.Before = test.before(s)
			var waits []time.Duration
			_, err := client(s, &waits).Comment(t.Context(), pull, marker, text("x"))
			refused := new(Error)
			if (err == nil) != (test.want == "") || err != nil && (!errors.As(err, &refused) || !strings.Contains(err.Error(), test.want)) {
				t.Error(err)
			}
			if len(waits) != test.waits || len(s.Comments()) != test.comments {
				t.Errorf("%v, %+v", waits, s.Comments())
			}
		})
	}
}

// refuse refuses the first requests of a method.
func refuse(method string, status int, header http.Header, times int) func(*githubtest.Server) func(http.ResponseWriter, *http.Request) bool {
	return func(*githubtest.Server) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != method || times == 0 {
				return false
			}
			times--
			for key, values := range header {
				w.Header()[key] = values
			}
			githubtest.Refuse(w, status, "no")
			return true
		}
	}
}

// TestCommentKeepsItsToken checks that the token goes to no other server.
func TestCommentKeepsItsToken(t *testing.T) {
	t.Parallel()
	other := githubtest.New(t)
	s := githubtest.New(t)
	s.Before = func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Link", "<"+other.URL+r.URL.Path+`>; rel="next"`)
		return false
	}
	if _, err := client(s, nil).Comment(t.Context(), pull, marker, text("x")); err != nil || len(other.Requests()) > 0 {
		t.Errorf("%v, %v", err, other.Requests())
	}
	c := client(s, nil)
	c.Token = secret.NewValue([]byte("ghp_canary"))
	if _, err := c.Comment(t.Context(), pull, marker, text("x")); err == nil || strings.Contains(err.Error(), "ghp_canary") {
		t.Error(err)
	}
}
