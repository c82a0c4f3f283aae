package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/testenv"
	"github.com/slipway-ci/slipway/tasks/report"
)

// TestMLflow executes docs/mlflow.md with MLflow's real tracking server, with its SQLite store on
// the volume, and its real client in a job of Python: both run in the sandbox.
func TestMLflow(t *testing.T) {
	t.Parallel()
	if !testenv.Thorough() {
		t.Skip("CI starts MLflow, which takes a minute")
	}
	packages, base := testenv.MLflow(t), testenv.PythonBase(t)
	page, err := os.ReadFile(filepath.Join(testenv.Root(t), "docs", "mlflow.md"))
	if err != nil {
		t.Fatal(err)
	}
	files := blocksOf(t, string(page), "slipway.yaml", "train.yml", "train.py")
	nan := `mlflow.log_metric("loss", float("nan"))`
	files["train.py"] = strings.Replace(files["train.py"], nan, nan+"\n    mlflow.log_metric(\"bound\", float(\"inf\"))\n    mlflow.log_metric(\"val_acc\", 0.5, step=0)", 1)
	stage := newPageStage(t, packages, base, files, map[string]string{"mlflow": "mlflow"})

	deployed := func() (report.Job, string) {
		t.Helper()
		result, out, said := stage.deploy(t)
		if strings.Contains(out+said, "slipway_key") {
			t.Errorf("the key of the service is shown:\n%s\n%s", out, said)
		}
		return result.Jobs[0], said
	}
	job, said := deployed()
	if len(job.MLflow) != 1 || job.Metrics["val_acc"] != 0.93 || job.MLflow[0].Metrics["val_acc"] != 0.93 {
		t.Fatalf("the job has the runs of MLflow %+v and the metrics %v", job.MLflow, job.Metrics)
	}
	if _, shown := job.Metrics["loss"]; shown {
		t.Error("a metric that is not a number is shown")
	}
	if bound, shown := job.Metrics["bound"]; shown {
		t.Errorf("a metric that is infinite is shown as %v", bound)
	}
	if want := regexp.MustCompile(`^http://127\.0\.0\.1:\d+/#/experiments/\d+/runs/` + job.MLflow[0].ID + `$`); !want.MatchString(job.MLflow[0].Address) {
		t.Errorf("the run of MLflow is at %s", job.MLflow[0].Address)
	}
	if strings.Contains(said, "cannot be created") {
		t.Errorf("MLflow's experiment is not created:\n%s", said)
	}
	for _, tag := range []string{"slipway.run " + job.UUID, "slipway.job train", "slipway.project churn", "slipway.image sha256:"} {
		if !strings.Contains(said, tag) {
			t.Errorf("MLflow's run has no tag %s:\n%s", tag, said)
		}
	}
	// What is up to date shows them again, and status does.
	if again, _ := deployed(); again.UUID != job.UUID || len(again.MLflow) != 1 {
		t.Errorf("what is up to date is %+v", again)
	}
	out, err := stage.command(t.Context(), "status", "train").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "val_acc = 0.93") || !strings.Contains(string(out), "MLflow run "+job.MLflow[0].ID[:8]) {
		t.Errorf("status: %v\n%s", err, out)
	}
	// All runs of a job are found by one question. The program of the page about metrics is one of them.
	mustWrite(t, filepath.Join(stage.dir, "train.py"), metricsPage(t)["logged.py"], 0o755)
	if other, said := deployed(); other.UUID == job.UUID || other.Metrics["val_acc"] != 0.93 || len(other.MLflow) != 1 {
		t.Errorf("the program of docs/metrics.md: %+v\n%s", other, said)
	}
	best, err := stage.command(t.Context(), "runs", "best", "train", "--metric", "val_acc").CombinedOutput()
	if err != nil || strings.Count(string(best), "succeeded  0.93") != 2 {
		t.Errorf("runs best: %v\n%s", err, best)
	}
	// Without MLflow, its runs are missing, and nothing else is.
	if out, err := stage.command(t.Context(), "down", "mlflow").CombinedOutput(); err != nil {
		t.Fatalf("down: %v\n%s", err, out)
	}
	without, said := deployed()
	if without.Status != "succeeded" || len(without.MLflow) != 0 || !strings.Contains(said, "MLflow's runs and metrics are not shown: service mlflow is not running: slipway up mlflow starts it") {
		t.Errorf("without MLflow: %+v\n%s", without, said)
	}
}

// blocksOf returns the code blocks of a page that begin with a comment with one of the names.
func blocksOf(t *testing.T, page string, names ...string) map[string]string {
	t.Helper()
	blocks := map[string]string{}
	for _, found := range regexp.MustCompile("(?s)```[a-z]+\n# ([a-z.]+)\n(.*?)```").FindAllStringSubmatch(page, -1) {
		blocks[found[1]] = found[2]
	}
	for _, name := range names {
		if blocks[name] == "" {
			t.Fatalf("the page has no block %s", name)
		}
	}
	if len(blocks) != len(names) || strings.Count(page, "```") != 2*len(names) {
		t.Errorf("the page has %d blocks, and %d are executed", strings.Count(page, "```")/2, len(names))
	}
	return blocks
}
