package job

import (
	"os"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
	"github.com/slipway-ci/slipway/internal/project"
)

// TestConnectionsOfParams compiles a job whose connections have names that come from params.
func TestConnectionsOfParams(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"slipway.yaml": "project: p\njobs:\n  train: {polyaxonfile: train.yml, params: {store: bucket}}\n",
		"train.yml": "version: 1.1\nkind: component\ninputs: [{name: store, type: str}]\nrun:\n  kind: job\n  connections: [\"{{ store }}\"]\n" +
			"  init: [{connection: \"{{ store }}\", artifacts: {files: [x]}}]\n  container: {image: a, args: [\"{{ connections[store].url }}\"]}\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg, err := config.Load("slipway.yaml", config.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p := &project.Project{Config: cfg, Env: &project.Env{}, FileCache: file.NewCache()}
	for _, version := range []schema.Version{{Major: 1, Minor: 11, Patch: 3}, schema.Newest()} {
		operation, err := Operation(t.Context(), p, cfg.Jobs["train"], PlaceholderImage)
		if err != nil {
			t.Fatal(err)
		}
		compiled, err := Compiled(t.Context(), p, cfg.Jobs["train"], operation, version)
		if err != nil {
			t.Fatalf("%s: %v", version, err)
		}
		if got := string(compiled.JSON()); !strings.Contains(got, `"args":["https://bucket"]`) {
			t.Errorf("%s: %s", version, got)
		}
	}
	if compiled, err := CompiledWithPlaceholder(t.Context(), p, cfg.Jobs["train"]); compiled == nil || err != nil {
		t.Errorf("for the sandbox: %v, %v", compiled, err)
	}
}
