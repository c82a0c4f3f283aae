package scaffold

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/survey"
)

// TestHostileNames plans for a repository whose names would become a part of the workflow or of
// slipway.yaml, and whose CI file has a token.
func TestHostileNames(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"train.py":           "if __name__ == \"__main__\":\n    print(1)\n",
		"requirements.txt":   "six\n",
		"Makefile":           "train:\n\tpolyaxon run -f polyaxon/train.yml -P API_TOKEN=sk-canary-000111\n",
		"polyaxon/train.yml": "version: 1.1\nkind: component\nname: train\ninputs:\n- {name: API_TOKEN, type: str}\n- {name: \"X: ${{ TOJSON(SECRETS) }} #TOKEN\", type: str}\nrun: {kind: job, container: {image: \"busybox:1\", command: [\"true\"]}}\n",
		"polyaxon/tune.yml":  "version: 1.1\nkind: component\nname: tune\nmatrix: {kind: \"x\\r  evil:\\r    component: train\\r#\"}\nrun: {kind: job, container: {image: \"busybox:1\", command: [\"true\"]}}\n",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r, err := survey.Read(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(t.Context(), r, Options{CI: "github", Lock: "none"}, Defaults)
	if err != nil {
		t.Fatal(err)
	}
	workflow := ""
	for _, f := range p.Files {
		for _, never := range []string{"sk-canary-000111", "\r", "\u2028"} {
			if strings.Contains(f.Text, never) {
				t.Errorf("%s has %q:\n%s", f.Path, never, f.Text)
			}
		}
		if strings.HasPrefix(f.Path, ".github/") {
			workflow = f.Text
		}
	}
	if workflow == "" || strings.Contains(workflow, "TOJSON") || !strings.Contains(workflow, "API_TOKEN: ${{ secrets.API_TOKEN }}") {
		t.Errorf("the workflow is\n%s", workflow)
	}
	if next := strings.Join(p.Next, "\n"); strings.Contains(next, "TOJSON") {
		t.Error(next)
	}

	r.Prefix = "a$(touch pwned)b: c #d"
	p, err = New(t.Context(), r, Options{CI: "gitlab", Lock: "none"}, Defaults)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range p.Files {
		if strings.Contains(f.Path, "gitlab") || strings.Contains(f.Text, "touch pwned") {
			t.Errorf("%s is written:\n%s", f.Path, f.Text)
		}
	}
}

// TestBranchFilter names one branch in a workflow, and not all that its name matches as a pattern.
func TestBranchFilter(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "train.py"), []byte("if __name__ == \"__main__\":\n    print(1)\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := survey.Read(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	for branch, want := range map[string]string{"main": "branches: [main]", "release/1.x+gpu": `branches: ["release/1.x\\+gpu"]`, "!]": `branches: ["\\!\\]"]`} {
		r.Branch = branch
		p, err := New(t.Context(), r, Options{CI: "github", Lock: "none"}, Defaults)
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, f := range p.Files {
			found = found || strings.Contains(f.Text, want)
		}
		if !found {
			t.Errorf("%s: %s is missing: %+v", branch, want, p.Files)
		}
	}
}
