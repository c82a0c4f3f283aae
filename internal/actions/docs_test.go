//go:build unix

package actions_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/slipway-ci/slipway/internal/testenv"
)

// TestDocumentedWorkflows lints the YAML of docs/github-actions.md, with what is missing of a
// workflow around it, and the workflows of docs/google.md, and parses that of docs/gitlab.md.
func TestDocumentedWorkflows(t *testing.T) {
	root := testenv.Root(t)
	action := readAction(t)
	block := regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")
	for _, page := range []string{"github-actions.md", "google.md", "gitlab.md"} {
		text, err := os.ReadFile(filepath.Join(root, "docs", page))
		if err != nil {
			t.Fatal(err)
		}
		found := block.FindAllStringSubmatch(string(text), -1)
		if len(found) == 0 {
			t.Errorf("%s has no YAML", page)
		}
		for _, one := range found {
			workflow := one[1]
			if strings.HasPrefix(workflow, "- ") { // steps
				workflow = "on: push\npermissions: {contents: read}\njobs:\n  job:\n    runs-on: ubuntu-latest\n    steps:\n" +
					"      - " + strings.TrimPrefix(strings.ReplaceAll("\n"+strings.TrimSuffix(workflow, "\n"), "\n", "\n      "), "\n      - ") + "\n"
				if !strings.Contains(workflow, "id: slipway") {
					workflow = strings.Replace(workflow, "    steps:\n", "    steps:\n      - {id: slipway, uses: slipway-ci/slipway@v1}\n", 1)
				}
			}
			var parsed any
			if err := yaml.Unmarshal([]byte(workflow), &parsed); err != nil {
				t.Errorf("%s: %v\n%s", page, err, workflow)
			}
			checkInputs(t, page, action, parsed)
			if page == "gitlab.md" || page == "google.md" && !strings.HasPrefix(workflow, "on:") || !testenv.Thorough() {
				continue
			}
			lint := exec.CommandContext(t.Context(), "go", "tool", "-modfile=actions.mod", "actionlint", "-")
			lint.Dir, lint.Stdin = root, strings.NewReader(workflow)
			if out, err := lint.CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s\n%s", page, err, out, workflow)
			}
		}
	}
}

// checkInputs checks that the steps of slipway have no inputs that the action has not.
func checkInputs(t *testing.T, page string, action actionFile, value any) {
	t.Helper()
	switch v := value.(type) {
	case []any:
		for _, one := range v {
			checkInputs(t, page, action, one)
		}
	case map[string]any:
		if uses, _ := v["uses"].(string); strings.HasPrefix(uses, "slipway-ci/slipway@") {
			with, _ := v["with"].(map[string]any)
			for name := range with {
				if _, ok := action.Inputs[name]; !ok {
					t.Errorf("%s: the action has no input %s", page, name)
				}
			}
		}
		for _, one := range v {
			checkInputs(t, page, action, one)
		}
	}
}

// TestWorkflowsAreMinimal checks what each workflow that ships promises: permissions that are no
// more than to read and, for the comment, to write it; other actions by the SHA of a commit; a
// checkout without credentials; a limit of time.
func TestWorkflowsAreMinimal(t *testing.T) {
	var paths []string
	for _, pattern := range []string{"workflows/*.yml", "examples/*/.github/workflows/*.yml"} {
		found, err := filepath.Glob(filepath.Join(testenv.Root(t), pattern))
		if err != nil || len(found) == 0 {
			t.Fatal(pattern, err)
		}
		paths = append(paths, found...)
	}
	action := readAction(t)
	for _, path := range paths {
		name := filepath.Base(path)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if name == "gitlab-ci.yml" {
			continue
		}
		var workflow struct {
			Permissions map[string]string
			Jobs        map[string]struct {
				Permissions    map[string]string
				TimeoutMinutes int `yaml:"timeout-minutes"`
				Steps          []struct {
					Uses string
					With map[string]any
				}
			}
		}
		var whole any
		if err := yaml.Unmarshal(text, &whole); err != nil {
			t.Fatal(err)
		}
		checkInputs(t, name, action, whole)
		if err := yaml.Unmarshal(text, &workflow); err != nil {
			t.Fatal(err)
		}
		if len(workflow.Permissions) != 1 || workflow.Permissions["contents"] != "read" {
			t.Errorf("%s has the permissions %v", name, workflow.Permissions)
		}
		for id, job := range workflow.Jobs {
			for permission, level := range job.Permissions {
				if level == "write" && (permission != "pull-requests" || !strings.Contains(string(text), "comment: true")) || level != "write" && level != "read" {
					t.Errorf("%s: the job %s has %s: %s", name, id, permission, level)
				}
			}
			if job.TimeoutMinutes == 0 || job.TimeoutMinutes > 360 {
				t.Errorf("%s: the job %s has a timeout of %d minutes", name, id, job.TimeoutMinutes)
			}
			for _, step := range job.Steps {
				if step.Uses == "" || strings.HasPrefix(step.Uses, "slipway-ci/slipway@v1") {
					continue
				}
				if !regexp.MustCompile(`^[a-z0-9/-]+@[0-9a-f]{40}$`).MatchString(step.Uses) || strings.HasPrefix(step.Uses, "actions/checkout@") && step.With["persist-credentials"] != false {
					t.Errorf("%s: %s %v is not pinned, or leaves the token in the workspace", name, step.Uses, step.With)
				}
			}
		}
	}
}
