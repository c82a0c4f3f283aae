package tasks

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/tasks/report"
)

// TestNotAPolyaxonServer runs commands against servers that are not Polyaxon. Every command
// must report that. None may succeed or hang.
func TestNotAPolyaxonServer(t *testing.T) {
	closed := freePort(t)
	page := "<html><title>Sign in</title></html>"
	for name, test := range map[string]struct {
		handle http.HandlerFunc
		tls    bool
		want   string
	}{
		"a login page": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, page) }, false, "received a web page (200) from http://127.0.0.1:"},
		"a login redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://login.example.com/", http.StatusFound)
		}, false, "https://login.example.com"},
		"another API": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `["hello"]`) }, false, "is not what Polyaxon sends"},
		"not trusted": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{}`) }, true, "certificate"},
		"credentials": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"detail":"Invalid token."}`)
		}, false, "check polyaxon.token"},
		"a failing server": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }, false, "the server failed (500)"},
		"a cut answer":     {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"count":1,"results":[{"uuid":"a"`) }, false, "ends too early"},
		"nothing":          {nil, false, "connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			host := fmt.Sprintf("http://127.0.0.1:%d", closed)
			if test.handle != nil {
				server := httptest.NewUnstartedServer(test.handle)
				server.Config.ErrorLog = quiet()
				if test.tls {
					server.StartTLS()
				} else {
					server.Start()
				}
				t.Cleanup(server.Close)
				host = server.URL
			}
			env, events, _ := serving(t, "polyaxon: {host: '"+host+"'}", unreachable)
			env.Sleep = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
			uuid := strings.Repeat("0", 32)
			for command, do := range map[string]func() (*report.Result, error){
				"up":     func() (*report.Result, error) { return Up(t.Context(), env, UpOptions{Service: "api"}) },
				"down":   func() (*report.Result, error) { return Down(t.Context(), env, DownOptions{Service: "api"}) },
				"runs":   func() (*report.Result, error) { return Runs(t.Context(), env, RunsOptions{}) },
				"status": func() (*report.Result, error) { return Status(t.Context(), env, StatusOptions{Run: uuid}) },
				"stop":   func() (*report.Result, error) { return Stop(t.Context(), env, RunOptions{Run: uuid}) },
				"resume": func() (*report.Result, error) { return Resume(t.Context(), env, RunOptions{Run: uuid}) },
			} {
				_, err := do()
				if err == nil || !strings.Contains(err.Error(), test.want) || ExitCode(err) != ExitStep {
					t.Errorf("%s exits with %d: %v\n%s", command, ExitCode(err), err, events)
				}
				if strings.Contains(fmt.Sprint(err), page) {
					t.Errorf("%s prints the page: %v", command, err)
				}
			}
		})
	}
}

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }
