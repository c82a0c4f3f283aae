package tasks

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/slipway-ci/slipway/internal/job"
	"github.com/slipway-ci/slipway/tasks/report"
)

// TestWhatWasCheckedIsSent edits a Polyaxonfile, its component and its preset after they
// have been checked. The operation that is sent must be the one that was checked.
func TestWhatWasCheckedIsSent(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("slipway.yaml", "project: p\njobs: {train: {polyaxonfile: op.yml, presets: [preset.yml]}}\n")
	write("op.yml", "version: 1.1\nkind: operation\npathRef: job.yml\n")
	write("job.yml", "version: 1.1\nkind: component\nrun: {kind: job, container: {image: \"a:1\"}}\n")
	write("preset.yml", "isPreset: true\nqueue: a\n")
	env := &Env{Dir: dir, Events: report.Discard{}, Lookup: func(string) (string, bool) { return "", false }}
	p, err := env.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	train := p.Config.Jobs["train"]
	checked, err := job.Operation(t.Context(), p, train, "")
	if err != nil {
		t.Fatal(err)
	}
	write("op.yml", "version: 1.1\nkind: operation\nname: other\npathRef: job.yml\n")
	write("job.yml", "version: 1.1\nkind: component\nrun: {kind: job, container: {image: \"b:2\"}}\n")
	write("preset.yml", "isPreset: true\nqueue: b\n")
	sent, err := job.Operation(t.Context(), p, train, "")
	if err != nil {
		t.Fatal(err)
	}
	if string(checked.JSON()) != string(sent.JSON()) {
		t.Errorf("checked\n%s\nand sent\n%s", checked.JSON(), sent.JSON())
	}
	if !slices.Equal(job.Keys(p, train, checked, "", nil), job.Keys(p, train, sent, "", nil)) {
		t.Error("the keys differ")
	}
}
