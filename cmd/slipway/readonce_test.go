package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/tasks"
)

// TestWhatWasCheckedIsSubmitted edits everything that a job is made from while the job
// before it runs: slipway.yaml, its Polyaxonfile, its component, its preset and a file of
// its image. The submitted job must be made from the content that was checked.
func TestWhatWasCheckedIsSubmitted(t *testing.T) {
	t.Parallel()
	s := newStage(t, sandboxServer(t))
	config, err := os.ReadFile(filepath.Join(s.dir, "slipway.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	files := func(mark string) map[string]string {
		return map[string]string{
			"slipway.yaml":  strings.Replace(string(config), "train: {polyaxonfile: job.yml, image: data", fmt.Sprintf("train: {polyaxonfile: train.yml, image: data, presets: [preset.yml], params: {RATE: %s}", mark), 1),
			"train.yml":     "version: 1.1\nkind: operation\ntags: [" + mark + "]\npathRef: component.yml\n",
			"component.yml": strings.Replace(stagedJob, "60s", "60s, "+mark, 1) + "    env: [{name: RATE, value: \"{{ RATE }}\"}]\n",
			"preset.yml":    "isPreset: true\nqueue: " + mark + "\n",
			"data.txt":      mark,
		}
	}
	files0 := files("first")
	files0["component.yml"] = strings.Replace(files0["component.yml"], "inputs:\n", "inputs:\n- {name: RATE, type: str}\n", 1)
	write := func(files map[string]string) {
		for name, text := range files {
			if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
				t.Error(err)
			}
		}
	}
	write(files0)
	content := func(project string, then func()) string {
		var once sync.Once
		end := s.during(func(_ int, r *http.Request, answered bool) {
			if statusesOf.MatchString(r.URL.Path) && !answered {
				once.Do(then) // prepare is being followed
			}
		})
		defer end()
		if code, err := s.deploy(t.Context(), project, tasks.DeployOptions{}); code != tasks.ExitOK {
			t.Fatal(err)
		}
		runs, _, err := s.direct.Runs(t.Context(), project, polyaxon.Query{Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		for i := range runs {
			if runs[i].Name == "train" {
				whole, err := s.direct.Run(t.Context(), project, runs[i].UUID)
				if err != nil {
					t.Fatal(err)
				}
				return strings.ReplaceAll(whole.RawContent, project, "PROJECT")
			}
		}
		t.Fatal("there is no run of train")
		return ""
	}
	want := content("untouched", func() {})
	got := content("edited", func() { write(files("second")) })
	if got != want || !strings.Contains(got, "first") || strings.Contains(got, "second") {
		t.Errorf("submitted\n%s\nand checked\n%s", got, want)
	}
}
