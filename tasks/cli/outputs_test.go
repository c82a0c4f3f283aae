package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/tasks"
	"github.com/slipway-ci/slipway/tasks/cli"
	"github.com/slipway-ci/slipway/tasks/report"
)

// outputs reads a file of outputs as the runner of GitHub does: a line is NAME=VALUE or
// NAME<<DELIMITER, and the value then ends at a line that is the delimiter.
func outputs(t *testing.T, path string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	for n := 0; n < len(lines); n++ {
		equals, here := strings.Index(lines[n], "="), strings.Index(lines[n], "<<")
		switch {
		case here > 0 && (equals < 0 || here < equals):
			name, delimiter := lines[n][:here], lines[n][here+2:]
			var value []string
			for n++; n < len(lines) && lines[n] != delimiter; n++ {
				value = append(value, lines[n])
			}
			if n == len(lines) || delimiter == "" {
				t.Fatalf("the output %s has no end:\n%s", name, text)
			}
			all[name] = strings.Join(value, "\n")
		case equals > 0:
			all[lines[n][:equals]] = lines[n][equals+1:]
		default:
			t.Fatalf("line %d (%q) is not an output", n+1, lines[n])
		}
	}
	return all
}

// step runs a task as a step of a workflow, and returns its outputs and its log.
func step(t *testing.T, r *report.Result, fails error) (set map[string]string, log string) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("GITHUB_ACTIONS", "true")
	t.Setenv("RUNNER_TEMP", dir)
	t.Setenv("GITHUB_OUTPUT", filepath.Join(dir, "output"))
	var out bytes.Buffer
	a := cli.Open()
	a.Stdout, a.Stderr = &out, &out
	err := a.Run(t.Context(), func(context.Context, *tasks.Env) (*report.Result, error) { return r, fails })
	if (err == nil) != (fails == nil) {
		t.Fatalf("%v\n%s", err, out.String())
	}
	return outputs(t, filepath.Join(dir, "output")), out.String()
}

// TestOutputs checks all outputs of a deploy, and that a script can read them.
func TestOutputs(t *testing.T) {
	const id = "0123456789abcdef0123456789abcdef"
	set, _ := step(t, &report.Result{
		Command: "deploy",
		Images:  []report.Image{{Name: "train", Reference: "gcr.io/acme/train@sha256:01", Action: "pushed"}, {Name: "api", Action: "unknown"}},
		Jobs: []report.Job{
			{Name: "prepare", Action: "up-to-date", Run: report.Run{UUID: strings.Repeat("f", 32), Status: "succeeded"}},
			{Name: "train", Action: "submitted", Run: report.Run{
				UUID: id, Status: "succeeded", Address: "https://plx.acme.dev/ui/acme/fraud/runs/" + id,
				Metrics: map[string]float64{"loss": 0.5, "a\"b": 1},
			}},
		},
	}, nil)
	path := set["report"]
	delete(set, "report")
	want := map[string]string{
		"status": "succeeded", "exit-code": "0", "changed": "true", "run-uuid": id, "run-url": "https://plx.acme.dev/ui/acme/fraud/runs/" + id,
		"images": `{"train":"gcr.io/acme/train@sha256:01"}`, "metrics": `{"train":{"a\"b":1,"loss":0.5}}`,
	}
	if fmt.Sprint(set) != fmt.Sprint(want) {
		t.Errorf("got %v\nwant %v", set, want)
	}
	var saved report.Result
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &saved)
	}
	if err == nil && saved.Command != "deploy" {
		t.Errorf("the report is of %s", saved.Command)
	}
	if info, _ := os.Stat(path); err == nil && info.Mode().Perm() != 0o600 {
		t.Errorf("the report has the mode %s", info.Mode())
	}
	if err != nil {
		t.Error(err)
	}
}

// TestChanged checks the output of commands that changed nothing, or something.
func TestChanged(t *testing.T) {
	for name, test := range map[string]struct {
		result report.Result
		want   string
	}{
		"nothing":        {report.Result{}, "false"},
		"up to date":     {report.Result{Images: []report.Image{{Action: "up-to-date"}}, Secrets: []report.Secret{{Action: "unchanged"}}, Jobs: []report.Job{{Action: "up-to-date"}, {Action: "skip"}}}, "false"},
		"attached":       {report.Result{Jobs: []report.Job{{Action: "attached"}}}, "false"},
		"a list":         {report.Result{Runs: []report.Run{{Status: "running"}}}, "false"},
		"a pushed image": {report.Result{Images: []report.Image{{Action: "pushed"}}}, "true"},
		"a secret":       {report.Result{Secrets: []report.Secret{{Action: "prune"}}}, "true"},
		"a claim":        {report.Result{Volumes: []report.Volume{{Action: "create"}}}, "true"},
		"left":           {report.Result{Manifests: []report.Manifest{{Action: "left"}}, Volumes: []report.Volume{{Action: "differs"}}}, "false"},
		"a manifest":     {report.Result{Manifests: []report.Manifest{{Action: "update"}}}, "true"},
		"a plan":         {report.Result{Command: "plan", Changes: 2}, "true"},
	} {
		if set, _ := step(t, &test.result, nil); set["changed"] != test.want {
			t.Errorf("%s: changed is %s", name, set["changed"])
		}
	}
}

// TestOutputsAreWords checks the outputs when a server returns an id, a status and an address
// that a script of the workflow would execute, and a value that ends an output.
func TestOutputsAreWords(t *testing.T) {
	for id, want := range map[string]string{"0a-1b": "0a-1b", "$(touch owned)": "unknown", "a\nb": "unknown", "_GitHubActionsFileCommandDelimeter_\nstatus=forged": "unknown"} {
		set, _ := step(t, &report.Result{Jobs: []report.Job{{Name: "j\nchanged=forged", Run: report.Run{UUID: id, Status: "`owned`", Address: "https://a/$(touch owned)", Metrics: map[string]float64{"x\ny=z": 1}}}}}, nil)
		if set["run-uuid"] != want || set["status"] != "unknown" || set["run-url"] != "unknown" || set["changed"] != "false" || len(set) != 8 {
			t.Errorf("%q: the outputs are %q", id, set)
		}
	}
}

// TestRefusals checks that an error of the command line is an annotation, too, and that the step then
// has outputs and a summary, as docs/github-actions.md says of commands that fail.
func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	for name, value := range map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_OUTPUT": filepath.Join(dir, "output"), "GITHUB_STEP_SUMMARY": filepath.Join(dir, "summary")} {
		t.Setenv(name, value)
	}
	var out bytes.Buffer
	a := cli.Open()
	a.Stdout, a.Stderr = &out, &out
	if code := a.Usage(errors.New("unknown flag: --nonsense")); code != tasks.ExitUsage || out.String() != "::error title=slipway::unknown flag: --nonsense\n" {
		t.Errorf("exit code %d: %q", code, out.String())
	}
	set := outputs(t, filepath.Join(dir, "output"))
	if summary, err := os.ReadFile(filepath.Join(dir, "summary")); err != nil || set["status"] != "failed" || set["exit-code"] != "2" || set["changed"] != "false" ||
		string(summary) != "## slipway: failed (exit code 2)\n\n```\nunknown flag: --nonsense\n```\n\n" {
		t.Errorf("the outputs are %v, and the summary is %q (%v)", set, summary, err)
	}
	out.Reset()
	a = cli.Open()
	a.Stdout, a.Stderr, a.Output = &out, &out, "yaml"
	err := a.Run(t.Context(), func(context.Context, *tasks.Env) (*report.Result, error) { return nil, nil })
	if told := new(cli.ExitError); !errors.As(err, &told) || told.Code != tasks.ExitUsage || !strings.HasPrefix(out.String(), "::error title=slipway::-o yaml") {
		t.Errorf("%v: %q", err, out.String())
	}
}

// TestDebugLogging checks that "Enable debug logging" of GitHub is --verbose.
func TestDebugLogging(t *testing.T) {
	t.Setenv("GITHUB_ACTIONS", "true")
	t.Setenv("RUNNER_DEBUG", "1")
	if !cli.Open().Verbose {
		t.Error("RUNNER_DEBUG=1 is not --verbose")
	}
	t.Setenv("GITHUB_ACTIONS", "")
	if cli.Open().Verbose {
		t.Error("RUNNER_DEBUG counts outside of a workflow")
	}
}
