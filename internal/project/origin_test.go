package project

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPullRequest reads a pull request. The text of an event is that of a stranger.
func TestPullRequest(t *testing.T) {
	head, base := strings.Repeat("0a", 20), strings.Repeat("0b", 20)
	whole := `{"pull_request": {"number": 7, "head": {"sha": "` + head + `", "ref": "try", "repo": {"full_name": "acme/churn"}}, "base": {"sha": "` + base + `", "ref": "main", "repo": {"full_name": "acme/churn"}}}}`
	own := PullRequest{Number: 7, Head: head, Base: Base{"main", base}}
	foreign, deleted := own, own
	foreign.Foreign, foreign.From = true, "the fork mallory/churn"
	deleted.Foreign, deleted.From = true, "a fork"
	for event, want := range map[string]PullRequest{
		whole: own,
		strings.Replace(whole, "acme/churn", "mallory/churn", 1):                                    foreign,
		strings.Replace(whole, `{"full_name": "acme/churn"}`, "null", 1):                            deleted,
		strings.Replace(whole, "acme/churn", `m\n::error::/churn`, 1):                               deleted, // a name that no repository has
		`{"pull_request": {"number": -7, "head": {"sha": "$(touch owned)"}, "base": {"sha": "x"}}}`: {},
		`{"pull_request": null}`: {}, `{`: {}, `{"ref": "main"}`: {},
	} {
		path := filepath.Join(t.TempDir(), "event.json")
		if err := os.WriteFile(path, []byte(event), 0o644); err != nil {
			t.Fatal(err)
		}
		variables := map[string]string{"GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": path}
		e := &Env{Lookup: func(name string) (string, bool) { v, ok := variables[name]; return v, ok }}
		if got := e.PullRequest(); got != want {
			t.Errorf("%s: got %+v, want %+v", event, got, want)
		}
		for _, name := range []string{"pull_request_review", "pull_request_review_comment"} {
			variables["GITHUB_EVENT_NAME"] = name
			if got := e.PullRequest(); got != want {
				t.Errorf("%s: %s: got %+v, want %+v", name, event, got, want)
			}
		}
		variables["GITHUB_ACTOR"] = "dependabot[bot]"
		if got := e.PullRequest(); want == own && (!got.Foreign || got.From != "Dependabot") {
			t.Errorf("of Dependabot: got %+v", got)
		}
		variables["GITHUB_EVENT_NAME"] = "push"
		if got := e.PullRequest(); got != (PullRequest{}) {
			t.Errorf("a push: got %+v", got)
		}
	}
}

// TestWorkflowRun has the page of the attempt, as that of a run is the page of its newest attempt.
func TestWorkflowRun(t *testing.T) {
	const page = "https://github.com/acme/churn/actions/runs/99"
	for attempt, want := range map[string]string{"": page, "1": page, "2": page + "/attempts/2"} {
		variables := map[string]string{"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "acme/churn", "GITHUB_RUN_ID": "99", "GITHUB_RUN_ATTEMPT": attempt}
		if got := WorkflowRun(func(name string) (string, bool) { v, ok := variables[name]; return v, ok }); got != want {
			t.Errorf("attempt %q: %s", attempt, got)
		}
	}
}
