package cli_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/slipway-ci/slipway/internal/github/githubtest"
	"github.com/slipway-ci/slipway/tasks"
	"github.com/slipway-ci/slipway/tasks/cli"
	"github.com/slipway-ci/slipway/tasks/report"
)

// inPullRequest sets the variables of a workflow for a pull request of head.
func inPullRequest(t *testing.T, s *githubtest.Server, head, from string) {
	t.Helper()
	event := filepath.Join(t.TempDir(), "event.json")
	text := fmt.Sprintf(`{"pull_request": {"number": 7, "head": {"sha": %q, "repo": {"full_name": %q}}, "base": {"ref": "main", "repo": {"full_name": "acme/churn"}}}}`, head, from)
	if err := os.WriteFile(event, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": event, "GITHUB_REPOSITORY": "acme/churn", "GITHUB_SERVER_URL": "https://github.com",
		"GITHUB_RUN_ID": "99", "GITHUB_API_URL": s.URL, "GITHUB_TOKEN": githubtest.Token, "SLIPWAY_COMMENT": "true",
	} {
		t.Setenv(name, value)
	}
	s.Head = head
}

// commented runs a command whose result is r, and returns its log.
func commented(t *testing.T, r *report.Result) string {
	t.Helper()
	var out bytes.Buffer
	a := cli.Open()
	a.Stdout, a.Stderr = &out, &out
	_ = a.Run(t.Context(), func(_ context.Context, env *tasks.Env) (*report.Result, error) {
		env.Secrets.Learn([]byte("canary-0123456789"), true)
		if r.ExitCode != 0 {
			return r, &tasks.UsageError{Message: "broken"}
		}
		return r, nil
	})
	return out.String()
}

// TestComment writes the comment of a pull request by two commands, again for a new commit, and
// for another project.
func TestComment(t *testing.T) {
	s := githubtest.New(t)
	one, two := strings.Repeat("01", 20), strings.Repeat("02", 20)
	inPullRequest(t, s, one, "acme/churn")
	plan := &report.Result{Command: "plan", Project: "churn", Jobs: []report.Job{{Name: "train", Action: "submit", Diff: "-image: a\n+image: b\n+token: canary-0123456789\n"}}}
	deploy := &report.Result{Command: "deploy", Project: "churn", Jobs: []report.Job{{Name: "train", Action: "submitted",
		Base: &report.Base{Branch: "main", UUID: strings.Repeat("b", 32), Metrics: map[string]float64{"accuracy": 0.9, "loss": 0.5, "epochs": 3}},
		Run:  report.Run{UUID: strings.Repeat("a", 32), Status: "succeeded", Metrics: map[string]float64{"accuracy": 0.92, "loss": 0.6, "epochs": 3, "f1": 0.8}}}}}
	commented(t, plan)
	log := commented(t, deploy)
	all := s.Comments()
	if len(all) != 1 || !strings.Contains(log, "#issuecomment-1001") {
		t.Fatalf("%+v\n%s", all, log)
	}
	for _, want := range []string{
		"## slipway: churn, tasks/cli\n", "### slipway deploy: succeeded at `010101010101`, [log](<https://github.com/acme/churn/actions/runs/99>)", "### slipway plan: succeeded", "+image: b",
		"accuracy = 0.92 (+0.02, better)<br>epochs = 3 (same)<br>f1 = 0.8 (new)<br>loss = 0.6 (+0.1, worse)", "main, run `bbbbbbbb`",
	} {
		if !strings.Contains(all[0].Body, want) {
			t.Errorf("it has no %q:\n%s", want, all[0].Body)
		}
	}
	if strings.Contains(all[0].Body, "canary") {
		t.Errorf("it shows a secret:\n%s", all[0].Body)
	}
	inPullRequest(t, s, two, "acme/churn")
	commented(t, deploy)
	if all := s.Comments(); len(all) != 1 || strings.Contains(all[0].Body, "slipway plan") || !strings.Contains(all[0].Body, "`020202020202`") {
		t.Errorf("after another commit: %+v", all)
	}
	other := *deploy
	other.Project = "fraud"
	commented(t, &other)
	t.Setenv("SLIPWAY_ENV", "production")
	other.Environment = "production"
	commented(t, &other)
	t.Setenv("SLIPWAY_DIR", "another")
	commented(t, &other)
	commented(t, &other)
	if all := s.Comments(); len(all) != 4 || !strings.Contains(all[3].Body, "## slipway: fraud, tasks/cli/another, production\n") {
		t.Errorf("four projects, environments and directories have %+v", all)
	}
}

// TestCommentOfAMatrix comments by the jobs of a matrix, which run one command for other jobs of slipway.yaml. Each
// has a part of its own, which a job that is run again replaces.
func TestCommentOfAMatrix(t *testing.T) {
	s := githubtest.New(t)
	inPullRequest(t, s, strings.Repeat("01", 20), "acme/churn")
	for _, names := range [][]string{{"train"}, {"evaluate", "train"}, {"<!-- @everyone"}, nil, {"train", "evaluate"}, {"train"}} {
		commented(t, &report.Result{Command: "deploy", Project: "churn", Names: names})
	}
	all := s.Comments()
	if len(all) != 1 {
		t.Fatalf("%+v", all)
	}
	for want, count := range map[string]int{"### slipway deploy train: succeeded at": 1, "### slipway deploy train, evaluate: succeeded": 1, "### slipway deploy: succeeded": 1, "### slipway deploy ": 3, "<!-- @": 0} {
		if n := strings.Count(all[0].Body, want); n != count {
			t.Errorf("%q is there %d times, not %d:\n%s", want, n, count, all[0].Body)
		}
	}
}

// TestCommentOfAnOlderCommit checks that a workflow that is run again, or ends late, does not replace
// what the comment says of a newer commit.
func TestCommentOfAnOlderCommit(t *testing.T) {
	s := githubtest.New(t)
	one, two := strings.Repeat("01", 20), strings.Repeat("02", 20)
	check := &report.Result{Command: "check", Project: "churn"}
	inPullRequest(t, s, one, "acme/churn")
	s.Head = two
	if log := commented(t, check); !strings.Contains(log, "a newer commit than 010101010101") || len(s.Comments()) > 0 {
		t.Errorf("%s\n%+v", log, s.Comments())
	}
	s.Head = "" // the token may not ask
	if log := commented(t, check); len(s.Comments()) != 1 {
		t.Errorf("%s\n%+v", log, s.Comments())
	}
}

// TestHostileComment checks that no name, line or diff becomes markup, a mention, or another
// part of the comment, and that the comment fits.
func TestHostileComment(t *testing.T) {
	s := githubtest.New(t)
	inPullRequest(t, s, strings.Repeat("01", 20), "acme/churn")
	const evil = "<!-- slipway:end -->\n<!-- slipway:part deploy 0101 --> @everyone <img src=x> ](http://evil.example) | --> <script>"
	hostile := &report.Result{Command: "deploy", Project: "churn", Jobs: []report.Job{{Name: evil, Action: "submitted", Diff: evil,
		Run: report.Run{Status: "failed", LastLines: []string{evil, "```", "~~~"}, Metrics: map[string]float64{evil: 1}}}}}
	commented(t, hostile)
	commented(t, &report.Result{Command: "plan", Project: "churn", Jobs: []report.Job{{Name: "train", Diff: strings.Repeat("+ü line\n", 30_000)}, {Name: "emoji", Diff: "+" + strings.Repeat("🚢", 24_000)}, {Name: "emoji again", Diff: "+" + strings.Repeat("🚢", 24_000)}, {Name: "small", Diff: "+x\n"}}})
	commented(t, &report.Result{Command: "check", Project: "churn"})
	body := s.Comments()[0].Body
	if n := len(utf16.Encode([]rune(body))); n > 65_536 || !strings.Contains(body, "The rest is in the log.") || !strings.Contains(body, "small") {
		t.Errorf("%d characters:\n%.3000s", n, body)
	}
	if got := strings.Count(body, "<!--"); got != 7 { // the marker, and two for each of three parts
		t.Errorf("%d comments of HTML:\n%.3000s", got, body)
	}
	outside := strings.NewReplacer("```", "").Replace(body)
	for line := range strings.Lines(outside) {
		if strings.HasPrefix(line, "|") && strings.Contains(strings.NewReplacer("`"+evil, "").Replace(line), " @everyone") && !strings.Contains(line, "`") {
			t.Errorf("a mention: %s", line)
		}
	}
}

// TestCommentIsOptional checks what happens where no comment can be written: the command ends as
// it would without.
func TestCommentIsOptional(t *testing.T) {
	for name, test := range map[string]struct {
		from   string
		set    map[string]string
		before func(http.ResponseWriter, *http.Request) bool
		want   string // in the log, with :: for a warning
		asked  bool
	}{
		"a review":          {"acme/churn", map[string]string{"GITHUB_EVENT_NAME": "pull_request_review"}, forbidden, "permissions: {pull-requests: write}", true},
		"a push":            {"acme/churn", map[string]string{"GITHUB_EVENT_NAME": "push"}, nil, "not for a pull request", false},
		"no token":          {"acme/churn", map[string]string{"GITHUB_TOKEN": ""}, nil, "::GITHUB_TOKEN is not set", false},
		"not asked for":     {"acme/churn", map[string]string{"SLIPWAY_COMMENT": ""}, nil, "", false},
		"no permission":     {"acme/churn", nil, forbidden, "permissions: {pull-requests: write}", true},
		"a fork":            {"mallory/churn", nil, forbidden, "may only read", true},
		"a token that ends": {"acme/churn", map[string]string{"GITHUB_TOKEN": "ghs_expired-token"}, nil, "has expired", true},
	} {
		t.Run(name, func(t *testing.T) {
			s := githubtest.New(t)
			s.Before = test.before
			inPullRequest(t, s, strings.Repeat("01", 20), test.from)
			for name, value := range test.set {
				t.Setenv(name, value)
			}
			log := commented(t, &report.Result{Command: "check", Project: "churn"})
			want, warns := strings.CutPrefix(test.want, "::")
			if !strings.Contains(log, want) || warns && !strings.Contains(log, "::warning") || strings.Contains(log, "ghs_expired-token") && !strings.Contains(log, "::add-mask::ghs_expired-token") {
				t.Error(log)
			}
			if asked := len(s.Requests()) > 0; asked != test.asked || len(s.Comments()) > 0 {
				t.Errorf("%v, %v", s.Requests(), s.Comments())
			}
		})
	}
}

func forbidden(w http.ResponseWriter, r *http.Request) bool {
	if r.Method == http.MethodGet {
		return false
	}
	githubtest.Refuse(w, http.StatusForbidden, "Resource not accessible by integration")
	return true
}
