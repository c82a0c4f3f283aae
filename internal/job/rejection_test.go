package job

import (
	"os"
	"testing"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/tasks/exit"
)

// TestRejectionPosition checks that the server's rejection is reported at the line of the
// user's file that it names.
func TestRejectionPosition(t *testing.T) {
	t.Chdir(t.TempDir())
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("slipway.yaml", "jobs:\n  train: {polyaxonfile: train.yml}\n")
	write("train.yml", "version: 1.1\nkind: component\nrun:\n  kind: job\n  environment: {nodeName: a}\n  container:\n    image: a\n    workingDir: /x\n")
	cfg, err := config.Load("slipway.yaml", config.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p := &project.Project{Config: cfg, Env: &project.Env{}}
	for words, want := range map[string]string{
		"{'component': {'run': {0: {'environment': {'nodeName': ['Unknown field.']}}}}}":                                    "train.yml:5:17: Polyaxon refuses it: Unknown field.",
		"1 validation error for V1Operation\ncomponent.run.container.workingDir\n  Extra inputs are not permitted [type=x]": "train.yml:8:5: Polyaxon refuses it: Extra inputs are not permitted",
		"V1Container.__init__() got an unexpected keyword argument 'workingDir'":                                            "train.yml:8:5: Polyaxon refuses it: V1Container.__init__() got an unexpected keyword argument 'workingDir'",
		"it is Tuesday": "slipway.yaml:2:10: POST /runs: it is Tuesday (400)",
	} {
		err := invalid(t.Context(), p, cfg.Jobs["train"], &polyaxon.Error{Method: "POST", Path: "/runs", StatusCode: 400, Kind: polyaxon.Invalid, Messages: []string{words}})
		if got := err.Error(); got != want || exit.Code(err) != exit.Usage {
			t.Errorf("%s:\n got %s, exit code %d\nwant %s", words, got, exit.Code(err), want)
		}
	}
}
