package printer

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/tasks/report"
)

// pictures are the results that docs/github-actions.md shows.
func pictures() map[string]string {
	const workflow = "https://github.com/acme/churn/actions/runs/1234567890"
	commit := strings.Repeat("3f9a1c7e", 5)
	deploy := &report.Result{
		Command: "deploy", Project: "churn",
		Images: []report.Image{{
			Name: "train", Action: report.ActionPushed, Reference: "europe-docker.pkg.dev/acme/ml/train@sha256:" + strings.Repeat("8e1f", 16),
			Digest: "sha256:" + strings.Repeat("8e1f", 16), Bytes: 412_000_000, Sent: 38_000,
		}},
		Secrets: []report.Secret{{Name: "warehouse", Action: report.ActionUnchanged, Keys: map[string]string{"password": "unchanged"}}},
		Jobs: []report.Job{
			{Name: "process-data", Action: report.ActionUpToDate, Run: succeeded("63ea352eb9ef2a882dfdce03b1335907", 3*time.Minute, nil)},
			{
				Name: "train", Action: report.ActionSubmitted,
				Run:  succeeded("d534cd7b9486af3f3c751a390e35b091", 41*time.Minute+12*time.Second, map[string]float64{"val_acc": 0.927, "val_loss": 0.213, "recall": 0.884}),
				Base: &report.Base{Branch: "main", UUID: "9cc1b0a4e5d84c53a7f2b7e9b6a1d003", Metrics: map[string]float64{"val_acc": 0.914, "val_loss": 0.201}},
			},
		},
	}
	plan := &report.Result{
		Command: "plan", Project: "churn", Changes: 1,
		Jobs: []report.Job{{Name: "train", Action: report.ActionSubmit, Diff: "-image: europe-docker.pkg.dev/acme/ml/train@sha256:77ab…\n+image: europe-docker.pkg.dev/acme/ml/train@sha256:8e1f…\n params:\n-  EPOCHS: 20\n+  EPOCHS: 30\n"}},
	}
	c := Comment{Project: "churn", Commit: commit, Workflow: workflow, Limit: 65_536}
	same := func(s string) string { return s }
	comment := c.Render(c.Render("", plan, same), deploy, same)
	return map[string]string{
		"summary": strings.Join(Summary(deploy), "\n\n") + "\n",
		"comment": comment + "\n",
	}
}

func succeeded(uuid string, ran time.Duration, metrics map[string]float64) report.Run {
	seconds := ran.Seconds()
	return report.Run{
		UUID: uuid, Status: string(polyaxon.Succeeded), Address: "https://polyaxon.acme.dev/ui/acme/churn/runs/" + uuid,
		Times: &report.Times{Running: &seconds}, Metrics: metrics,
	}
}

// TestPictures fails if a picture of the documentation shows another text than slipway writes.
// With -update it writes the texts to docs/pictures, to draw them from.
func TestPictures(t *testing.T) {
	page, err := os.ReadFile("../../docs/github-actions.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range pictures() {
		file := filepath.Join("../../docs/pictures", name+".md")
		if *update {
			if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if kept, err := os.ReadFile(file); err != nil || string(kept) != text {
			t.Errorf("%s is not what slipway writes (-update): %v\n%s", file, err, text)
		}
		sum := sha256.Sum256([]byte(text))
		picture := name + "-" + hex.EncodeToString(sum[:4]) + ".png"
		if _, err := os.Stat(filepath.Join("../../docs/pictures", picture)); err != nil {
			t.Errorf("draw %s as docs/pictures/%s (CONTRIBUTING.md)", file, picture)
		}
		if !strings.Contains(string(page), "](pictures/"+picture+")") {
			t.Errorf("docs/github-actions.md does not show pictures/%s", picture)
		}
	}
}
