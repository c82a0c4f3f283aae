//go:build unix

package actions_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/slipway-ci/slipway/internal/testenv"
)

// metadata is an action.yml with a composite action, with all keys that GitHub knows
// (docs.github.com/en/actions/reference/workflows-and-actions/metadata-syntax).
type metadata struct {
	Name, Description, Author string
	Branding                  struct{ Icon, Color string }
	Inputs                    map[string]struct {
		Description, Default string
		Required             bool
		DeprecationMessage   string `yaml:"deprecationMessage"`
	}
	Outputs map[string]struct{ Description, Value string }
	Runs    struct {
		Using string
		Steps []map[string]any
	}
}

// stepKeys are the keys that a step of a composite action may have.
var stepKeys = []string{"continue-on-error", "env", "id", "if", "name", "run", "shell", "uses", "with", "working-directory"}

// TestActionIsLinted checks action.yml for keys that GitHub does not know, and has actionlint check
// its steps. It reads workflows only, so it gets one with the same inputs, steps and outputs.
func TestActionIsLinted(t *testing.T) {
	root := testenv.Root(t)
	text, err := os.ReadFile(filepath.Join(root, "action.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var action metadata
	strict := yaml.NewDecoder(bytes.NewReader(text))
	strict.KnownFields(true)
	if err := strict.Decode(&action); err != nil {
		t.Fatal(err)
	}
	if action.Name == "" || action.Description == "" || action.Runs.Using != "composite" || len(action.Runs.Steps) == 0 {
		t.Errorf("it lacks what GitHub demands: %+v", action)
	}
	for _, step := range action.Runs.Steps {
		for key := range step {
			if !slices.Contains(stepKeys, key) {
				t.Errorf("a step of a composite action has no %s: %v", key, step)
			}
		}
		if step["run"] != nil && step["shell"] == nil {
			t.Errorf("a step has no shell: %v", step)
		}
	}
	if !testenv.Thorough() {
		return
	}
	inputs, outputs := map[string]any{}, map[string]string{}
	for name, input := range action.Inputs {
		inputs[name] = map[string]any{"type": "string", "description": input.Description, "default": input.Default}
	}
	for name, output := range action.Outputs {
		outputs[name] = output.Value
	}
	workflow, err := yaml.Marshal(map[string]any{
		"on": map[string]any{"workflow_call": map[string]any{"inputs": inputs}}, "permissions": map[string]any{},
		"jobs": map[string]any{"job": map[string]any{"runs-on": "ubuntu-latest", "outputs": outputs, "steps": action.Runs.Steps}},
	})
	if err != nil {
		t.Fatal(err)
	}
	lint := exec.CommandContext(t.Context(), "go", "tool", "-modfile=actions.mod", "actionlint", "-shellcheck", testenv.Installer(t, "shellcheck"), "-")
	lint.Dir, lint.Stdin = root, bytes.NewReader(workflow)
	if out, err := lint.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s\n%s", err, out, workflow)
	}
}

// TestDocumentedScripts runs the scripts of the documentation that read outputs, as the runner does.
func TestDocumentedScripts(t *testing.T) {
	if _, err := exec.LookPath("jq"); err != nil && !testenv.Demanded() {
		t.Skip("jq is not here")
	}
	text, err := os.ReadFile(filepath.Join(testenv.Root(t), "docs", "github-actions.md"))
	if err != nil {
		t.Fatal(err)
	}
	var scripts []string
	var find func(value any)
	find = func(value any) {
		switch v := value.(type) {
		case []any:
			for _, one := range v {
				find(one)
			}
		case map[string]any:
			if run, _ := v["run"].(string); run != "" {
				scripts = append(scripts, run)
			}
			for _, one := range v {
				find(one)
			}
		}
	}
	for _, block := range regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$").FindAllStringSubmatch(string(text), -1) {
		var parsed any
		if err := yaml.Unmarshal([]byte(block[1]), &parsed); err != nil {
			t.Fatal(err)
		}
		find(parsed)
	}
	if len(scripts) != 2 {
		t.Errorf("the page has %d scripts", len(scripts))
	}
	for _, script := range scripts {
		bash := exec.CommandContext(t.Context(), "bash", "-e", "-c", script)
		bash.Env = append(os.Environ(), "STATUS=succeeded", `METRICS={"train":{"accuracy":0.92}}`)
		if out, err := bash.CombinedOutput(); err != nil || !strings.HasSuffix(string(out), "0.92\n") {
			t.Errorf("%s\nprints %q (%v)", script, out, err)
		}
	}
}
