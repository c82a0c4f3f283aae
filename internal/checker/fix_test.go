package checker

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/tasks/report"
)

// TestFixedIsChecked edits a file after Fix has read it. Check must report what is in the text
// that Fix read or, if it wrote the file, in the text that it wrote.
func TestFixedIsChecked(t *testing.T) {
	const text = "version: 1.1\nkind: component\nrun:\n  kind: job\n  container: {image: 'python:3.12', command: ['python3 -m train']}\n"
	for _, write := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "train.yml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		env := &project.Env{Dir: filepath.Dir(path), Events: project.NewRecorder(report.Discard{}, time.Now), Now: time.Now}
		c := &Checker{Env: env, Versions: []schema.Version{{Major: 2, Minor: 18}}, Cache: file.NewCache()}
		targets := []Target{{path: path}}
		diff, err := c.Fix(context.Background(), targets, write)
		if err != nil || !strings.Contains(diff, "+") {
			t.Fatalf("%v, %s", err, diff)
		}
		if err := os.WriteFile(path, []byte("version: 1.1\nkind: nonsense\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		problems, broken, err := c.CheckAll(context.Background(), targets)
		if err != nil || broken != nil {
			t.Fatal(err, broken)
		}
		found := false
		for _, p := range problems {
			found = found || strings.Contains(p.Name, "command")
			if strings.Contains(p.Message, "nonsense") {
				t.Errorf("write %v: the edited text was checked: %+v", write, p)
			}
		}
		if found == write {
			t.Errorf("write %v: the problems are %+v", write, problems)
		}
	}
}
