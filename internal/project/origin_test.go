package project

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPullRequestHead reads the commit of a pull request. The text of an event is that of a
// stranger.
func TestPullRequestHead(t *testing.T) {
	head := strings.Repeat("0a", 20)
	for event, want := range map[string]string{
		`{"pull_request": {"head": {"sha": "` + head + `"}}}`: head, `{"pull_request": {"head": {"sha": "$(touch owned)"}}}`: "", `{"pull_request": null}`: "", `{`: "", `{"ref": "main"}`: "",
	} {
		path := filepath.Join(t.TempDir(), "event.json")
		if err := os.WriteFile(path, []byte(event), 0o644); err != nil {
			t.Fatal(err)
		}
		variables := map[string]string{"GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": path}
		e := &Env{Lookup: func(name string) (string, bool) { v, ok := variables[name]; return v, ok }}
		if got := e.pullRequestHead(); got != want {
			t.Errorf("%s: got %q, want %q", event, got, want)
		}
		variables["GITHUB_EVENT_NAME"] = "push"
		if got := e.pullRequestHead(); got != "" {
			t.Errorf("a push: got %q", got)
		}
	}
}
