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

// foreign is a workflow that has the secrets, with a checkout.
type foreign struct {
	ref, remote string
	from        string // the repository of the pull request; "" if the token may not ask
	at, event   string // at is base for GITHUB_SHA
	change      bool
	want        string // of the error, "" for none
}

// check runs the workflow for an event.
func (f foreign) check(t *testing.T, name string) {
	t.Parallel()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not here")
	}
	dir, base, head := checkout(t, f.ref, f.remote)
	s := githubtest.New(t)
	if s.From = f.from; f.from != "" {
		s.Head = head
	}
	if f.at == "base" {
		if out, err := exec.Command("git", "-C", dir, "checkout", "-q", base).CombinedOutput(); err != nil {
			t.Fatalf("%s", out)
		}
	}
	if f.change {
		if err := os.WriteFile(filepath.Join(dir, "slipway.yaml"), []byte("project: other\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	event := filepath.Join(t.TempDir(), "event.json")
	if err := os.WriteFile(event, []byte(f.event), 0o600); err != nil {
		t.Fatal(err)
	}
	variables := map[string]string{
		"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": name, "GITHUB_EVENT_PATH": event, "GITHUB_SHA": base, "GITHUB_REPOSITORY": "acme/churn",
		"GITHUB_SERVER_URL": "https://github.com", "GITHUB_API_URL": s.URL, "GITHUB_TOKEN": githubtest.Token,
	}
	_, err := Open(t.Context(), &Env{Dir: dir, Environ: os.Environ(), Transport: http.DefaultTransport, Lookup: func(name string) (string, bool) { v, ok := variables[name]; return v, ok }})
	if (err == nil) != (f.want == "") || err != nil && !strings.Contains(err.Error(), f.want) {
		t.Error(err)
	}
}

const own, fork = "https://github.com/acme/churn", "https://github.com/mallory/churn"

// TestForeignDispatch runs workflows that a program starts, such as for a command in a comment.
func TestForeignDispatch(t *testing.T) {
	t.Parallel()
	sent := func(from string) string {
		return `{"action": "train-command", "client_payload": {"pull_request": {"number": 7, "head": {"repo": ` + from + `}, "base": {"repo": {"full_name": "acme/churn"}}}}}`
	}
	const nothing = `{"action": "train", "client_payload": {"epochs": 3}}`
	for name, test := range map[string]foreign{
		"the base":                          {ref: "refs/remotes/pull/7/head", remote: own, at: "base", event: sent(`{"full_name": "mallory/churn"}`)},
		"a branch by its name":              {ref: "refs/remotes/origin/try", remote: own, event: nothing},
		"a tag":                             {ref: "refs/tags/v1", remote: own, event: nothing},
		"another repository":                {ref: "refs/remotes/origin/main", remote: "https://github.com/acme/ranking", event: nothing},
		"the head of a fork":                {ref: "refs/remotes/pull/7/head", remote: own, from: "mallory/churn", event: nothing, want: "on repository_dispatch has the secrets of the repository: slipway does not use them with the commit"},
		"the merge of a fork":               {ref: "refs/remotes/pull/7/merge", remote: own, from: "mallory/churn", event: nothing, want: "of the fork mallory/churn; push its commits to a branch"},
		"the head of a branch":              {ref: "refs/remotes/pull/7/head", remote: own, from: "acme/churn", event: nothing},
		"a head, and nobody to ask":         {ref: "refs/remotes/pull/7/head", remote: own, event: nothing, want: "permissions: {pull-requests: read}"},
		"a fork, and its head":              {ref: "refs/remotes/origin/try", remote: fork, event: sent(`{"full_name": "mallory/churn"}`), want: "of the fork mallory/churn"},
		"a fork that was deleted":           {ref: "refs/tags/x", remote: own, event: sent(`null`), want: "of a fork"},
		"a branch, and its head":            {ref: "refs/tags/x", remote: own, event: sent(`{"full_name": "acme/churn"}`)},
		"a head, and an event without text": {ref: "refs/remotes/pull/7/head", remote: own, from: "mallory/churn", event: `{"client_payload": {"pull_request": 7}}`, want: "of the fork mallory/churn"},
	} {
		t.Run(name, func(t *testing.T) { test.check(t, "repository_dispatch") })
	}
}

// TestForeignComment runs workflows for comments on pull requests, which have the secrets, with
// checkouts of all kinds.
func TestForeignComment(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]foreign{
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
		if test.event == "" {
			test.event = `{"issue": {"number": 7, "pull_request": {"url": "x"}}}`
		}
		t.Run(name, func(t *testing.T) { test.check(t, "issue_comment") })
	}
}
