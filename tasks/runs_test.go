package tasks

import (
	"net/http"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/tasks/report"
)

// TestRunWithoutName passes an empty name, such as the value of an unset variable, as the
// run. Every command must report that without contacting a server.
func TestRunWithoutName(t *testing.T) {
	env, _, _ := serving(t, "polyaxon: {host: 'http://127.0.0.1:1'}", unreachable)
	env.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		t.Errorf("it sends %s %s", r.Method, r.URL)
		return nil, http.ErrHandlerTimeout
	})
	for command, do := range map[string]func(string) (*report.Result, error){
		"status": func(name string) (*report.Result, error) { return Status(t.Context(), env, StatusOptions{Run: name}) },
		"logs": func(name string) (*report.Result, error) {
			return Logs(t.Context(), env, LogsOptions{Run: name, Follow: true})
		},
		"follow":  func(name string) (*report.Result, error) { return Follow(t.Context(), env, FollowOptions{Run: name}) },
		"stop":    func(name string) (*report.Result, error) { return Stop(t.Context(), env, RunOptions{Run: name}) },
		"restart": func(name string) (*report.Result, error) { return Restart(t.Context(), env, RunOptions{Run: name}) },
		"resume":  func(name string) (*report.Result, error) { return Resume(t.Context(), env, RunOptions{Run: name}) },
		"approve": func(name string) (*report.Result, error) { return Approve(t.Context(), env, RunOptions{Run: name}) },
		"artifacts": func(name string) (*report.Result, error) {
			return Artifacts(t.Context(), env, ArtifactsOptions{Run: name})
		},
	} {
		for _, name := range []string{"", " \t"} {
			if _, err := do(name); ExitCode(err) != ExitUsage || !strings.Contains(err.Error(), "a run is required") {
				t.Errorf("%s %q: %v", command, name, err)
			}
		}
	}
}
