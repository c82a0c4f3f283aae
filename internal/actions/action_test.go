//go:build unix

package actions_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/slipway-ci/slipway/internal/testenv"
)

// TestActionInputs passes hostile inputs to the action, as a workflow that uses text of a
// pull request may. They must become arguments of slipway and never part of a script.
// slipway must replace the shell, so that it receives signals.
func TestActionInputs(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(testenv.Root(t), "action.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var action struct {
		Runs struct {
			Steps []struct{ ID, Shell, Run string }
		}
	}
	if err := yaml.Unmarshal(text, &action); err != nil {
		t.Fatal(err)
	}
	script := ""
	for _, step := range action.Runs.Steps {
		if strings.Contains(step.Run, "${{") {
			t.Errorf("an expression is put into a script:\n%s", step.Run)
		}
		if step.ID == "slipway" {
			script = step.Run
		}
	}
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("bash is not here")
	}
	dir := t.TempDir()
	const stub = "#!/bin/sh\necho $$\nfor word; do echo \"<$word>\"; done\n"
	for name, content := range map[string]string{"slipway": stub, "a": "", "step.sh": script} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	// This is how the runner starts a bash script of an action.
	command := exec.CommandContext(t.Context(), bash, "--noprofile", "--norc", "-eo", "pipefail", "step.sh")
	command.Dir = dir
	command.Env = append(os.Environ(), "RUNNER_TEMP="+dir, "SLIPWAY_TARGET=deploy $(touch owned)", "SLIPWAY_ARGS=* ; touch owned `touch owned` ${HOME} \"x y\" --\nnext line")
	out, err := command.CombinedOutput()
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	want := []string{"<deploy>", "<$(touch>", "<owned)>", "<*>", "<;>", "<touch>", "<owned>", "<`touch>", "<owned`>", "<${HOME}>", "<\"x>", "<y\">", "<-->"}
	if err != nil || !slices.Equal(lines[1:], want) {
		t.Errorf("slipway gets %q (%v)", lines, err)
	}
	if lines[0] != strconv.Itoa(command.Process.Pid) {
		t.Error("slipway is not in the place of the shell")
	}
	if _, err := os.Stat(filepath.Join(dir, "owned")); err == nil {
		t.Error("an input became a command")
	}
	if !regexp.MustCompile(`(?m)^exec `).MatchString(script) {
		t.Error("the script does not exec")
	}
}
