package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/artifact"
	"github.com/slipway-ci/slipway/internal/gate"
	"github.com/slipway-ci/slipway/internal/testenv"
	"github.com/slipway-ci/slipway/tasks/report"
)

// TestPenguins takes examples/python from raw data to a served prediction by the command of its
// README, and to what the README promises: a leaderboard, a batch, MLflow's runs, an API, a page. Its job train runs on
// Polyaxon 1.11.3, too.
func TestPenguins(t *testing.T) {
	t.Parallel()
	if !testenv.Thorough() {
		t.Skip("it downloads 300 MB and runs for minutes; CI=true runs it")
	}
	python := testenv.Penguins(t)
	if !testenv.HasDebian(t.Context()) {
		t.Fatal("Debian bookworm's apt sources are needed, and are not here")
	}
	example := filepath.Join(testenv.Root(t), "examples", "python")
	pytest := exec.CommandContext(t.Context(), python, "-m", "pytest", "-q", "-p", "no:cacheprovider")
	pytest.Dir, pytest.Env = example, append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	if out, err := pytest.CombinedOutput(); err != nil {
		t.Errorf("pytest: %v\n%s", err, out)
	}

	p := newPenguins(t)
	t.Cleanup(func() { stopSandboxes(t, p.dir) })
	train, served := p.takeRoad(t)

	browser, run := startChromium(t), train.MLflow[0]
	browser.shows(t, p.serviceAddress(t, "mlflow"), "Experiments")
	browser.shows(t, run.Address, run.Name, "val_accuracy")
	p.tries(t, train)

	// A worse model does not pass, and what was served is served on.
	out, err := p.command(t.Context(), "deploy", "-P", "ROUNDS=1").CombinedOutput()
	if code := p.exitCode(err); code != 8 || !strings.Contains(string(out), "val_log_loss") {
		t.Errorf("a model that does not pass: exit code %d\n%s", code, out)
	}
	if out, err = p.command(t.Context(), "deploy", "--env", "gpu").CombinedOutput(); p.exitCode(err) != 7 || !strings.Contains(string(out), "nvidia.com/gpu") {
		t.Errorf("on a GPU: %v\n%s", err, out)
	}
	p.asks(t, served["api"].Address, train.UUID)
	if again := p.deploy(t); len(again.Served) != 2 || again.Served[0].Action != report.ActionUnchanged {
		t.Errorf("with nothing to do, served is %+v", again.Served)
	}

	// The services end with the sandbox, so this comes last. What does not report to MLflow does not start it again.
	p.run(t, "sandbox", "stop")
	text, err := os.ReadFile(filepath.Join(p.dir, "slipway.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	mustWrite(t, filepath.Join(p.dir, "old.yaml"), strings.Replace(string(text), "timeout: 10m", "mlflow: false", 1)+"\nsandbox: {polyaxon: \"1.11.3\"}\n", 0o644)
	p.run(t, "submit", "train", "-f", "old.yaml")
	if said := string(p.run(t, "follow", "train", "-f", "old.yaml")); !strings.Contains(said, "train: succeeded") || !strings.Contains(said, "val_accuracy = 0.98") {
		t.Errorf("on Polyaxon 1.11.3:\n%s", said)
	}
	if said := string(p.run(t, "runs", "-f", "old.yaml")); strings.Contains(said, "running") {
		t.Errorf("on Polyaxon 1.11.3 a service runs:\n%s", said)
	}
}

// penguins is a copy of examples/python in a repository of its own.
type penguins struct {
	dir, slipway string
	env          []string
}

// newPenguins returns a copy of the example, with the wheels that were downloaded before.
func newPenguins(t *testing.T) *penguins {
	t.Helper()
	p := &penguins{dir: t.TempDir(), env: append(os.Environ(), "PENGUINS_API_KEY=choose-one", "CI=")} // in CI the lock is frozen
	p.slipway = filepath.Join(p.dir, ".bin", "slipway")
	p.copy(t, filepath.Join(testenv.Root(t), "examples", "python"))
	// Another process, because the race detector makes reading an image ten times slower.
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", p.slipway, ".").CombinedOutput(); err != nil {
		t.Fatalf("build slipway: %v\n%s", err, out)
	}
	kept, own := p.wheels(t)
	if err := os.MkdirAll(kept, 0o755); err != nil {
		t.Fatal(err)
	}
	linkTree(t, kept, own)
	return p
}

// wheels returns the directory that keeps wheels between tests, and the one of the example.
func (p *penguins) wheels(t *testing.T) (kept, own string) {
	return filepath.Join(testenv.Root(t), ".cache", "penguins-wheels"), filepath.Join(p.dir, ".slipway", "cache", "image", "wheels")
}

// keepWheels keeps the wheels that the example uses for the next test.
func (p *penguins) keepWheels(t *testing.T) {
	t.Helper()
	kept, own := p.wheels(t)
	linkTree(t, own, kept)
}

// takeRoad deploys the example, from raw data to served predictions, and returns the job that made the
// model, and what is served.
func (p *penguins) takeRoad(t *testing.T) (train report.Job, served map[string]report.Served) {
	t.Helper()
	result := p.deploy(t)
	p.keepWheels(t)

	jobs := map[string]report.Job{}
	for _, j := range result.Jobs {
		jobs[j.Name] = j
	}
	train = jobs["train"]
	tune := jobs["tune"]
	for _, name := range []string{"process-data", "train", "tune", "predict"} {
		if jobs[name].Status != "succeeded" {
			t.Fatalf("job %s is %+v", name, jobs[name])
		}
	}
	if len(train.MLflow) != 1 || train.MLflow[0].Metrics["val_accuracy"] != train.Metrics["val_accuracy"] || train.Metrics["val_accuracy"] < 0.95 {
		warnings := slices.DeleteFunc(result.Events, func(e report.Event) bool { return e.Kind != report.Warning }) // such as that MLflow did not answer in time
		t.Fatalf("train has the metrics %v and MLflow's runs %+v, with the warnings %+v", train.Metrics, train.MLflow, warnings)
	}
	if len(tune.Runs) != 4 || tune.Runs[0].Metrics["val_log_loss"] > tune.Runs[3].Metrics["val_log_loss"] {
		t.Errorf("the trials are %+v", tune.Runs)
	}
	p.run(t, "artifacts", "--latest", "predict", "predictions")
	batch, err := os.ReadFile(filepath.Join(p.dir, "predictions", "outputs", "predictions.csv"))
	if err != nil || strings.Count(string(batch), ","+train.UUID+"\n") != 69 {
		t.Errorf("the batch is\n%.300s\n%v", batch, err)
	}
	var manifest artifact.Manifest
	place := "gs://penguins/penguins/train/" + train.UUID + "/"
	if err := json.Unmarshal(p.run(t, "data", "cat", place+"manifest.json"), &manifest); err != nil || manifest.Commit == "" || len(manifest.Files) != 2 {
		t.Errorf("the manifest of the model is %+v: %v", manifest, err)
	}

	served = map[string]report.Served{}
	for _, s := range result.Served {
		served[s.Name] = s
		if s.Run != train.UUID || s.Commit == "" {
			t.Errorf("served is %+v, and train's run is %s", s, train.UUID)
		}
	}
	p.asks(t, served["api"].Address, train.UUID)
	startChromium(t).shows(t, served["page"].Address, "Model of run "+train.UUID, "Adelie")
	return train, served
}

func (p *penguins) command(ctx context.Context, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, p.slipway, args...)
	command.Dir, command.Env = p.dir, p.env
	return command
}

func (p *penguins) run(t *testing.T, args ...string) []byte {
	t.Helper()
	var said bytes.Buffer
	command := p.command(t.Context(), args...)
	command.Stderr = &said
	out, err := command.Output()
	if err != nil {
		t.Fatalf("slipway %v: %v\n%s%s", args, err, out, said.String())
	}
	return out
}

func (p *penguins) deploy(t *testing.T) (result report.Result) {
	t.Helper()
	if err := json.Unmarshal(p.run(t, "deploy", "-o", "json"), &result); err != nil {
		t.Fatal(err)
	}
	return result
}

// serviceAddress returns the address of a service that is running, with its key.
func (p *penguins) serviceAddress(t *testing.T, name string) string {
	t.Helper()
	var result report.Result
	if err := json.Unmarshal(p.run(t, "runs", "-o", "json"), &result); err != nil {
		t.Fatal(err)
	}
	for _, r := range result.Runs {
		if r.RunName == name && r.Status == "running" {
			return r.Address
		}
	}
	t.Fatalf("%s is not running: %+v", name, result.Runs)
	return ""
}

func (p *penguins) exitCode(err error) int {
	if failed := new(exec.ExitError); errors.As(err, &failed) {
		return failed.ExitCode()
	}
	return 0
}

// copy copies the example, without what tools leave there, and commits it.
func (p *penguins) copy(t *testing.T, example string) {
	t.Helper()
	left := map[string]bool{".slipway": true, "__pycache__": true, ".pytest_cache": true, "slipway.lock": true, ".venv": true}
	err := filepath.WalkDir(example, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if left[entry.Name()] {
			if entry.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		name, err := filepath.Rel(example, path)
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err == nil {
			mustWrite(t, filepath.Join(p.dir, name), string(text), 0o644)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	mustWrite(t, filepath.Join(p.dir, ".git", "info", "exclude"), "/.bin/\n", 0o644)
	for _, args := range [][]string{{"init", "-q"}, {"add", "."}, {"-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-qm", "penguins"}} {
		git := exec.CommandContext(t.Context(), "git", args...)
		git.Dir = p.dir
		if out, err := git.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
}

// asks asks the API at its address for a prediction, and checks that it names the run, and that it
// refuses who has no key.
func (p *penguins) asks(t *testing.T, address, run string) {
	t.Helper()
	at, err := url.Parse(address)
	if err != nil || address == "" {
		t.Fatalf("the API is at %q: %v", address, err)
	}
	key := at.Query().Get(gate.Parameter)
	at.Path, at.RawQuery = strings.TrimSuffix(at.Path, "docs")+"predict", ""
	const penguin = `[{"culmen_length_mm": 39.1, "culmen_depth_mm": 18.7, "flipper_length_mm": 181, "body_mass_g": 3750, "island": "Torgersen"}]`
	for given, want := range map[string]int{"choose-one": http.StatusOK, "another": http.StatusUnauthorized} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, at.String(), strings.NewReader(penguin))
		if err != nil {
			t.Fatal(err)
		}
		request.Header = http.Header{"Authorization": {"Bearer " + key}, "X-Api-Key": {given}, "Content-Type": {"application/json"}}
		response, err := (&http.Client{Timeout: time.Minute}).Do(request)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil || response.StatusCode != want {
			t.Errorf("with the key %s the API answers %s: %s", given, response.Status, text)
		}
		if want == http.StatusOK && (!strings.Contains(string(text), `"run":"`+run+`"`) || !strings.Contains(string(text), `"species":"Adelie"`)) {
			t.Errorf("the API answers %s, want an Adelie by run %s", text, run)
		}
	}
}
