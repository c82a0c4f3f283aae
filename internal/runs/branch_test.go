package runs

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/run"
)

// TestOnBranch finds a run that no workflow submitted by its commit. A shallow checkout, as
// actions/checkout makes it, does not know that commit, which is said.
func TestOnBranch(t *testing.T) {
	git := func(args ...string) string {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), "git", append([]string{"-c", "user.name=t", "-c", "user.email=t@example.com"}, args...)...).Output()
		if err != nil {
			t.Fatalf("git %v: %v", args, err)
		}
		return strings.TrimSpace(string(out))
	}
	whole, shallow := t.TempDir(), filepath.Join(t.TempDir(), "shallow")
	git("init", "-q", "-b", "main", whole)
	git("-C", whole, "commit", "-q", "--allow-empty", "-m", "one")
	first := git("-C", whole, "rev-parse", "HEAD")
	git("-C", whole, "commit", "-q", "--allow-empty", "-m", "two")
	git("clone", "-q", "--depth=1", "file://"+filepath.ToSlash(whole), shallow)
	base := project.Base{Branch: "main", Commit: git("-C", whole, "rev-parse", "HEAD")}
	for _, test := range []struct {
		name, dir, commit, ref string
		found, untold          bool
	}{
		{"the whole history", whole, first, "", true, false},
		{"a shallow checkout", shallow, first, "", false, true},
		{"a shallow checkout of GitLab", shallow, first, "", false, true},
		{"a shallow checkout, of a workflow of the branch", shallow, first, "refs/heads/main", true, false},
		{"a shallow checkout, of another workflow", shallow, first, "refs/pull/8/merge", false, false},
		{"a shallow checkout, and no commit", shallow, "", "", false, false},
		{"another commit", whole, strings.Repeat("0", 40), "", false, false},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			one := map[string]any{"uuid": "a", "name": "train", "meta_info": map[string]any{run.MetaKey: "k-1", project.MetaJob: "train", project.MetaCommit: test.commit, project.MetaRef: test.ref}}
			if path.Base(r.URL.Path) == "runs" {
				_ = json.NewEncoder(w).Encode(map[string]any{"count": 1, "results": []any{one}})
				return
			}
			_ = json.NewEncoder(w).Encode(one)
		}))
		defer server.Close()
		client, err := polyaxon.New(polyaxon.Options{Host: server.URL})
		if err != nil {
			t.Fatal(err)
		}
		hint := "fetch-depth: 0"
		lookup := func(string) (string, bool) { return "", false }
		if strings.HasSuffix(test.name, "GitLab") {
			hint = "GIT_DEPTH: 0"
			lookup = func(name string) (string, bool) { return "true", name == "GITLAB_CI" }
		}
		jobs := map[string]*config.Job{"train": {Name: "train"}}
		to := &platform.Platform{Project: &project.Project{Env: &project.Env{Environ: os.Environ(), Lookup: lookup}, Config: &config.Config{Project: "story", Jobs: jobs, Dir: test.dir}}, Polyaxon: client}
		got, err := OnBranch(t.Context(), to, "train", base, "", nil)
		if (got != nil) != test.found || errors.As(err, new(*ShallowError)) != test.untold || err != nil && (!test.untold || !strings.Contains(err.Error(), hint)) {
			t.Errorf("%s: %+v, %v", test.name, got, err)
		}
	}
}
