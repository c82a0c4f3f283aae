package main

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/actions"
)

// TestActionPassesNoInputsOn checks that programs which slipway starts do not get the inputs of the
// action: the token of the workflow is among them, also in a step that writes no comment.
func TestActionPassesNoInputsOn(t *testing.T) {
	t.Setenv("GITHUB_TOKEN", "")
	t.Setenv("POLYAXON_TOKEN", "")
	for name, value := range map[string]string{"TARGET": "deploy", "TOKEN": "ghs_canary", "POLYAXON_TOKEN": "plx"} {
		t.Setenv(actions.InputPrefix+name, value)
	}
	in, err := actions.ReadInputs(os.LookupEnv)
	if err == nil {
		err = setEnvironment(in.Environment)
	}
	all := os.Environ()
	if err != nil || !slices.Contains(all, "POLYAXON_TOKEN=plx") {
		t.Error("the token for Polyaxon is not set:", err)
	}
	for _, variable := range all {
		if strings.HasPrefix(variable, actions.InputPrefix) || strings.Contains(variable, "ghs_canary") {
			t.Error(variable)
		}
	}
}
