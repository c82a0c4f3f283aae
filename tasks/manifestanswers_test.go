package tasks

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/rest"
)

// readFile returns the text of a file of a repository.
func readFile(t *testing.T, v *vault, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(v.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// answer is what a server says to some requests in place of the cluster.
type answer struct {
	code          int
	reason, after string
	// times is how often it says so.
	times int64
}

// manifestAnswers applies to a server that refuses each verb in turn, is overloaded, is away for a
// while or for good, and whose objects others keep changing. What is not refused for good is
// applied, and nothing is rolled back because the server is away.
func manifestAnswers(t *testing.T, access *rest.Config) {
	clients := namespaced(t, access, "answers")
	const always = 1 << 30
	writes := func(r *http.Request) bool { return r.Method == http.MethodPatch && r.URL.Query().Get("dryRun") == "" }
	reads := func(r *http.Request) bool {
		return r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/configmaps/b")
	}
	dryRuns := func(r *http.Request) bool { return r.URL.Query().Get("dryRun") != "" }
	deletes := func(r *http.Request) bool { return r.Method == http.MethodDelete }
	creates := func(r *http.Request) bool {
		return r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/configmaps")
	}
	updates := func(r *http.Request) bool { return r.Method == http.MethodPut }
	second := func(r *http.Request) bool { return writes(r) && strings.HasSuffix(r.URL.Path, "/c") }
	reviews := func(r *http.Request) bool { return strings.Contains(r.URL.Path, "selfsubject") }
	forbidden := func(matches func(*http.Request) bool) func(*http.Request) bool {
		return func(r *http.Request) bool { return matches(r) || reviews(r) }
	}
	for name, c := range map[string]struct {
		matches func(*http.Request) bool
		answer  answer
		code    int
		says    string
		values  []string
	}{
		"no get":          {forbidden(reads), answer{403, "Forbidden", "", always}, ExitStep, "permission denied", []string{"a=1", "b=1"}},
		"no dry run":      {forbidden(dryRuns), answer{403, "Forbidden", "", always}, ExitStep, "permission denied", []string{"a=1", "b=1"}},
		"no patch":        {forbidden(writes), answer{403, "Forbidden", "", always}, ExitStep, "permission denied", []string{"a=1", "b=1"}},
		"no second patch": {forbidden(second), answer{403, "Forbidden", "", always}, ExitStep, "permission denied", []string{"a=1", "b=1"}},
		"no delete":       {forbidden(deletes), answer{403, "Forbidden", "", always}, ExitStep, "permission denied", []string{"a=1", "b=1"}},
		"no create":       {forbidden(creates), answer{403, "Forbidden", "", always}, ExitOK, "", []string{"b=2", "c=2"}},
		"no update":       {forbidden(updates), answer{403, "Forbidden", "", always}, ExitOK, "", []string{"b=2", "c=2"}},
		"a policy":        {second, answer{403, "Forbidden", "", always}, ExitUsage, "by a quota or a policy", []string{"a=1", "b=1"}},
		"overloaded":      {writes, answer{429, "TooManyRequests", "1", 1}, ExitOK, "", []string{"b=2", "c=2"}},
		"not ready":       {writes, answer{503, "ServiceUnavailable", "", 3}, ExitOK, "", []string{"b=2", "c=2"}},
		"a conflict":      {writes, answer{409, "Conflict", "", 3}, ExitOK, "", []string{"b=2", "c=2"}},
		"conflicts":       {second, answer{409, "Conflict", "", always}, ExitStep, "keeps being changed by others", []string{"a=1", "b=1"}},
		"a restart":       {func(*http.Request) bool { return true }, answer{0, "", "", 9}, ExitOK, "", []string{"b=2", "c=2"}},
		"away":            {second, answer{0, "", "", always}, ExitStep, "nothing is rolled back", []string{"a=1", "b=2"}},
	} {
		t.Run(name, func(t *testing.T) {
			v := manifestsOn(t, access, "answers")
			v.write("k8s.yaml", configManifest("a", "1")+configManifest("b", "1"))
			if _, err := Apply(t.Context(), v.env, ApplyOptions{Prune: true}); err != nil {
				t.Fatal(err)
			}
			begun, said := atomic.Bool{}, atomic.Int64{}
			begun.Store(name != "a restart")
			next := &cut{}
			through := next.cutting(t, access)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if !begun.Load() && writes(r) {
					begun.Store(true) // it restarts while it applies
				}
				if !begun.Load() || !c.matches(r) || said.Add(1) > c.answer.times {
					next.next.ServeHTTP(w, r)
					return
				}
				if c.answer.code == 0 {
					panic(http.ErrAbortHandler)
				}
				w.Header().Set("Content-Type", "application/json")
				if c.answer.after != "" {
					w.Header().Set("Retry-After", c.answer.after)
				}
				w.WriteHeader(c.answer.code)
				_, _ = w.Write([]byte(`{"kind":"Status","apiVersion":"v1","status":"Failure","message":"no","reason":"` + c.answer.reason + `","code":` + strconv.Itoa(c.answer.code) + `}`))
			}))
			t.Cleanup(server.Close)
			through.Host = server.URL
			v.write("kubeconfig", writeKubeconfig(t, through))
			now := time.Now()
			v.env.Now = func() time.Time { return now }
			v.env.Sleep = func(ctx context.Context, d time.Duration) error { now = now.Add(d); return ctx.Err() }
			v.write("k8s.yaml", configManifest("b", "2")+configManifest("c", "2"))
			_, err := Apply(t.Context(), v.env, ApplyOptions{Prune: true, Rollback: true, RolloutTimeout: time.Minute})
			if ExitCode(err) != c.code || c.says != "" && !strings.Contains(err.Error(), c.says) {
				t.Errorf("exit code %d: %v", ExitCode(err), err)
			}
			values, _ := configMaps(t, clients, "answers")
			if diff := cmp.Diff(c.values, values); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
