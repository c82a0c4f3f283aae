//go:build unix

package actions_test

import (
	"flag"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/slipway-ci/slipway/internal/markdown"
	"github.com/slipway-ci/slipway/internal/testenv"
)

// TestActionInputs runs the action's last step with hostile inputs, as a workflow that uses text
// of a pull request may pass. They must reach slipway as they are and never become part of a
// script. slipway must replace the shell, so that it receives signals.
func TestActionInputs(t *testing.T) {
	action := readAction(t)
	script := ""
	passed := map[string]bool{}
	for _, step := range action.Runs.Steps {
		if strings.Contains(step.Run, "${{") {
			t.Errorf("an expression is put into a script:\n%s", step.Run)
		}
		if value, set := step.Env["BASH_ENV"]; !set || value != "" {
			t.Errorf("bash runs a script that the job names before the step %s", step.ID)
		}
		if step.ID != "slipway" {
			continue
		}
		script = step.Run
		for name, value := range step.Env {
			if !strings.HasPrefix(name, "SLIPWAY_INPUT_") {
				continue
			}
			input := strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(name, "SLIPWAY_INPUT_"), "_", "-"))
			if passed[input] = true; value != "${{ inputs."+input+" }}" {
				t.Errorf("%s is %s", name, value)
			}
		}
	}
	for input, of := range action.Inputs {
		if !passed[input] && input != "version" {
			t.Errorf("the input %s does not reach slipway", input)
		}
		if of.Default == nil || *of.Default != "" && input != "target" && input != "token" {
			t.Errorf("the input %s must be empty by default, so that variables of the job count", input)
		}
	}
	for output, of := range action.Outputs {
		if of.Value != "${{ steps.slipway.outputs."+output+" }}" {
			t.Errorf("the output %s is %s", output, of.Value)
		}
	}
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("bash is not here")
	}
	dir := t.TempDir()
	const stub = "#!/bin/sh\necho $$\necho \"<$*>\"\nenv | grep ^SLIPWAY_INPUT_ARGS=\n"
	for name, content := range map[string]string{"slipway": stub, "step.sh": script} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	// This is how the runner starts a bash script of an action.
	command := exec.CommandContext(t.Context(), bash, "--noprofile", "--norc", "-eo", "pipefail", "step.sh")
	command.Dir = dir
	const hostile = "* ; touch owned `touch owned` $(touch owned) ${HOME} \"x y\" --"
	command.Env = append(os.Environ(), "RUNNER_TEMP="+dir, "PROGRAM="+filepath.Join(dir, "slipway"), "SLIPWAY_INPUT_TARGET=deploy", "SLIPWAY_INPUT_ARGS="+hostile)
	out, err := command.CombinedOutput()
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if want := []string{strconv.Itoa(command.Process.Pid), "<action>", "SLIPWAY_INPUT_ARGS=" + hostile}; err != nil || !slices.Equal(lines, want) {
		t.Errorf("slipway gets %q, want %q (%v)", lines, want, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "owned")); err == nil {
		t.Error("an input became a command")
	}
}

var update = flag.Bool("update", false, "write the tables of docs/github-actions.md anew")

// TestActionIsDocumented compares the tables of docs/github-actions.md with action.yml.
func TestActionIsDocumented(t *testing.T) {
	action := readAction(t)
	path := filepath.Join(testenv.Root(t), "docs", "github-actions.md")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := string(text)
	for _, part := range []struct {
		name  string
		items map[string]actionItem
	}{{"inputs", action.Inputs}, {"outputs", action.Outputs}} {
		var b strings.Builder
		for _, name := range slices.Sorted(maps.Keys(part.items)) {
			item := part.items[name]
			b.WriteString(markdown.Wrap("- `"+name+"`: "+item.Description+item.byDefault(), 118) + "\n")
		}
		begin, end := "<!-- "+part.name+": made by go test ./internal/actions -update -->\n", "<!-- end of "+part.name+" -->\n"
		before, rest, ok := strings.Cut(want, begin)
		_, after, ended := strings.Cut(rest, end)
		if !ok || !ended {
			t.Fatalf("docs/github-actions.md has no list of %s", part.name)
		}
		list := strings.ReplaceAll(strings.TrimSuffix(b.String(), "\n"), "\n", "\n  ")
		want = before + begin + "\n" + strings.ReplaceAll(list, "\n  - ", "\n- ") + "\n\n" + end + after
	}
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if want != string(text) {
		t.Error("docs/github-actions.md is stale (-update writes it anew)")
	}
}

// actionItem is an input or an output of the action.
type actionItem struct {
	Description, Value string
	Default            *string
}

// byDefault returns what the documentation says of the default.
func (i actionItem) byDefault() string {
	if i.Default == nil || *i.Default == "" {
		return ""
	}
	return " Default: `" + *i.Default + "`."
}

// actionFile is action.yml, as far as the tests read it.
type actionFile struct {
	Inputs, Outputs map[string]actionItem
	Runs            struct {
		Steps []struct {
			ID, Shell, Run string
			Env            map[string]string
		}
	}
}

func readAction(t *testing.T) (action actionFile) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(testenv.Root(t), "action.yml"))
	if err == nil {
		err = yaml.Unmarshal(text, &action)
	}
	if err != nil {
		t.Fatal(err)
	}
	return action
}
