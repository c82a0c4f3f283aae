package project

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/github/githubtest"
)

// checkout makes a repository with the commit of a base branch, and one of another branch, and
// returns the commits. It is at the second one, fetched as ref from the remote origin at the URL.
func checkout(t *testing.T, ref, remote string) (dir, base, head string) {
	t.Helper()
	dir = t.TempDir()
	git := func(args ...string) string {
		t.Helper()
		c := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=a", "-c", "user.email=a@b.example"}, args...)...)
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %s", args, out)
		}
		return strings.TrimSpace(string(out))
	}
	git("init", "-q", "-b", "main")
	if err := os.WriteFile(filepath.Join(dir, "slipway.yaml"), []byte("project: p\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	git("add", ".")
	git("commit", "-qm", "base")
	base = git("rev-parse", "HEAD")
	git("commit", "-q", "--allow-empty", "-m", "head")
	head = git("rev-parse", "HEAD")
	git("remote", "add", "origin", remote)
	git("update-ref", "refs/remotes/origin/main", base)
	git("update-ref", ref, head)
	git("checkout", "-q", "--detach", head)
	git("branch", "-qD", "main")
	return dir, base, head
}

// TestForeignComment runs workflows for comments on pull requests, which have the secrets, with
// checkouts of all kinds.
func TestForeignComment(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not here")
	}
	const own, fork = "https://github.com/acme/churn", "https://github.com/mallory/churn"
	for name, test := range map[string]struct {
		ref, remote string
		from        string // the repository of the pull request; "" if the token may not ask
		at, event   string // at is base for GITHUB_SHA
		change      bool
		want        string // of the error, "" for none
	}{
		"an issue":                              {ref: "refs/remotes/pull/7/head", remote: own, event: `{"issue": {"number": 7}}`},
		"the base":                              {ref: "refs/remotes/pull/7/head", remote: own, at: "base"},
		"the base with a patch":                 {ref: "refs/remotes/pull/7/head", remote: own, at: "base", change: true, from: "mallory/churn", want: "with changes (slipway.yaml has changes"},
		"a branch by its name":                  {ref: "refs/remotes/origin/try", remote: own + ".git"},
		"a branch by its name with a patch":     {ref: "refs/remotes/origin/try", remote: own, change: true, from: "mallory/churn", want: "with changes"},
		"a branch of the fork by its name":      {ref: "refs/remotes/origin/try", remote: fork, from: "mallory/churn", want: "of the fork mallory/churn"},
		"the head of a fork":                    {ref: "refs/remotes/pull/7/head", remote: own, from: "mallory/churn", want: "push its commits to a branch"},
		"the head of a fork as a branch":        {ref: "refs/remotes/origin/pr/7", remote: own, from: "mallory/churn", want: "of the fork mallory/churn"},
		"the head of a branch":                  {ref: "refs/remotes/pull/7/head", remote: own, from: "acme/churn"},
		"the head of a branch with changes":     {ref: "refs/remotes/pull/7/head", remote: own, from: "acme/churn", change: true},
		"a head, and nobody to ask":             {ref: "refs/remotes/pull/7/head", remote: own, want: "permissions: {pull-requests: read}"},
		"the base, and an event without a text": {ref: "refs/remotes/pull/7/head", remote: own, at: "base", event: "{"},
		"a head, and an event without a text":   {ref: "refs/remotes/pull/7/head", remote: own, event: "{", want: "may be that of a fork"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, base, head := checkout(t, test.ref, test.remote)
			s := githubtest.New(t)
			if s.From = test.from; test.from != "" {
				s.Head = head
			}
			if test.at == "base" {
				if out, err := exec.Command("git", "-C", dir, "checkout", "-q", base).CombinedOutput(); err != nil {
					t.Fatalf("%s", out)
				}
			}
			if test.change {
				if err := os.WriteFile(filepath.Join(dir, "slipway.yaml"), []byte("project: other\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			event := filepath.Join(t.TempDir(), "event.json")
			text := `{"issue": {"number": 7, "pull_request": {"url": "x"}}}`
			if test.event != "" {
				text = test.event
			}
			if err := os.WriteFile(event, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			variables := map[string]string{
				"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "issue_comment", "GITHUB_EVENT_PATH": event, "GITHUB_SHA": base, "GITHUB_REPOSITORY": "acme/churn",
				"GITHUB_SERVER_URL": "https://github.com", "GITHUB_API_URL": s.URL, "GITHUB_TOKEN": githubtest.Token,
			}
			_, err := Open(t.Context(), &Env{Dir: dir, Environ: os.Environ(), Transport: http.DefaultTransport, Lookup: func(name string) (string, bool) { v, ok := variables[name]; return v, ok }})
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Error(err)
			}
		})
	}
}
