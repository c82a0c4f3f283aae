package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/slipway-ci/slipway/internal/command"
	"github.com/slipway-ci/slipway/tasks"
	"github.com/slipway-ci/slipway/tasks/cli"
	"github.com/slipway-ci/slipway/tasks/report"
)

var update = flag.Bool("update", false, "write the results in testdata/results as they are")

// step is one command that TestResults runs in its project.
type step struct {
	// golden is the name of its result in testdata/results, "" for a command that only
	// prepares the next one.
	golden string
	code   int
	args   string
	// soon reports whether the run is still running when the command returns, so that its
	// status varies.
	soon bool
}

// steps run each command once, and some commands that fail.
var steps = []step{
	{golden: "version", args: "version"},
	{golden: "schema", args: "schema"},
	{golden: "init", args: "init --yes"},
	{golden: "component-list", args: "component list"},
	{golden: "component-show", args: "component show train"},
	{golden: "check", args: "check"},
	{golden: "check-findings", code: tasks.ExitUsage, args: "check bad.yml"},
	{golden: "doctor", args: "doctor"}, // before there is a sandbox
	{golden: "plan-changes", code: tasks.ExitChanges, args: "plan train --exit-code"},
	{golden: "deploy-usage", code: tasks.ExitUsage, args: "deploy trian"},
	{golden: "build", args: "build"},
	{golden: "images", args: "images"},
	{golden: "retag", args: "retag HEAD release-1"},
	{golden: "secrets-plan", args: "secrets plan"},
	{golden: "secrets-sync", args: "secrets sync"},
	{golden: "render", args: "render train"},
	{golden: "deploy", args: "deploy train"},
	{golden: "deploy-up-to-date", args: "deploy train"},
	{golden: "deploy-failed", code: tasks.ExitFailed, args: "deploy broken"},
	{golden: "plan", args: "plan train"},
	{golden: "plan-served", args: "plan"},
	{golden: "apply", args: "apply"},
	{golden: "status", args: "status train"},
	{golden: "logs", args: "logs train"},
	{golden: "artifacts", args: "artifacts train"},
	{golden: "cluster-status", args: "cluster status"}, // before a run goes on
	{golden: "submit", args: "submit slow", soon: true},
	{golden: "stop", args: "stop slow", soon: true},
	{code: tasks.ExitStopped, args: "follow slow"},
	{golden: "resume", args: "resume slow", soon: true},
	{args: "stop slow"},
	{args: "submit gated"},
	{golden: "approve", args: "approve gated", soon: true},
	{golden: "follow", args: "follow gated"},
	{golden: "restart", args: "restart gated", soon: true},
	{golden: "up", args: "up api"},
	{golden: "runs-compare", args: "runs compare train train"},
	{golden: "runs-best", args: "runs best train"},
	{golden: "runs", args: "runs --services"},
	{golden: "dashboard", code: tasks.ExitUsage, args: "dashboard apu"},
	{golden: "down", args: "down api"},
	{golden: "data-mb", args: "data mb gs://acme-data"},
	{golden: "data-cp", args: "data cp slipway.yaml gs://acme-data/"},
	{golden: "data-ls", args: "data ls gs://acme-data", soon: true},
	{golden: "data-cat", args: "data cat gs://acme-data/slipway.yaml"},
	{golden: "data-sync", args: "data sync gs://acme-data copied"},
	{golden: "cluster-credentials", args: "cluster credentials --kubeconfig KUBECONFIG"},
	{golden: "cluster-token", args: "cluster token"},
	{golden: "registry-password", args: "registry password"},
	{golden: "sandbox-status", args: "sandbox status"},
	{golden: "sandbox-stop", args: "sandbox stop"},
	{golden: "sandbox-reset", args: "sandbox reset"},
	{golden: "component-eject", args: "component eject train"},
}

// withoutResult matches the commands that print no Result, or that of another command.
var withoutResult = regexp.MustCompile(`^(action|completion \w+|exit-codes|help|sandbox serve)$`)

// TestResults compares the JSON Result and the exit code of each command with
// testdata/results, because scripts read them. Values that differ from run to run are
// replaced.
func TestResults(t *testing.T) {
	t.Parallel()
	var walk func(c *cobra.Command, path string)
	walk = func(c *cobra.Command, path string) {
		path = strings.TrimSpace(path + " " + c.Name())
		for _, below := range c.Commands() {
			walk(below, path)
		}
		name := strings.TrimPrefix(path, "slipway ")
		file := filepath.Join("testdata", "results", strings.ReplaceAll(name, " ", "-")+".json")
		if _, err := os.Stat(file); err != nil && !c.HasSubCommands() && !withoutResult.MatchString(name) && !*update {
			t.Errorf("%s has no result in testdata/results: add a step that shows it, and run the test with -update", name)
		}
	}
	walk(root(cli.Open(), command.Table(), io.Discard), "")
	dir := resultsProject(t)
	left, printed := map[string]bool{}, map[string]string{}
	for _, s := range steps {
		var out, told bytes.Buffer
		d := cli.Open()
		d.Dir, d.Stdout, d.Stderr = dir, &out, &told
		args := strings.Fields(strings.ReplaceAll(s.args, "KUBECONFIG", filepath.Join(dir, ".slipway", "kubeconfig")))
		code := run(d, append(args, "-o", "json"))
		if code != s.code {
			t.Fatalf("%s: exit code %d, want %d\n%s%s", s.args, code, s.code, told.String(), out.String())
		}
		printed[s.args] = told.String() + out.String()
		if s.golden == "" {
			continue
		}
		if s.golden == "deploy" {
			checkEvents(t, out.Bytes())
		}
		file := filepath.Join("testdata", "results", s.golden+".json")
		left[file] = true
		got := steady(t, dir, out.Bytes(), s.soon)
		if *update {
			if err := os.WriteFile(file, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s is not as %s (-want +got); -update writes it\n%s", s.args, file, diff)
		}
	}
	checkTokens(t, printed)
	files, err := filepath.Glob(filepath.Join("testdata", "results", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !left[file] {
			t.Errorf("%s is no command's result", file)
		}
	}
}

// checkTokens checks that no command prints the sandbox's tokens, except those that are for it.
func checkTokens(t *testing.T, printed map[string]string) {
	t.Helper()
	for _, command := range []string{"cluster token", "registry password"} {
		token := regexp.MustCompile(`[0-9a-f]{64}`).FindString(printed[command])
		if token == "" {
			t.Errorf("%s prints no token: %s", command, printed[command])
			continue
		}
		for other, text := range printed {
			if other != command && strings.Contains(text, token) {
				t.Errorf("%s prints the token of %s", other, command)
			}
		}
	}
}

// checkEvents checks the events in the Result of a deploy: their order and their typed data.
func checkEvents(t *testing.T, text []byte) {
	t.Helper()
	var result tasks.Result
	if err := json.Unmarshal(text, &result); err != nil {
		t.Fatal(err)
	}
	var have []string
	for n, e := range result.Events {
		if n > 0 && e.Time.Before(result.Events[n-1].Time) || e.Kind == report.Line || e.Kind == report.Progress {
			t.Errorf("event %d is %+v", n, e)
		}
		run := e.Run
		if len(result.Jobs) > 0 && run == result.Jobs[0].UUID {
			run = "its-run"
		}
		if e.Step == "submit" && e.Status != "" {
			e.Status = "some-status" // the run goes on meanwhile
		}
		have = append(have, strings.Join(strings.Fields(fmt.Sprint(e.Kind, " ", e.Step, " ", e.Subject, " ", run, " ", e.Status, " ", e.Amount != nil)), " "))
	}
	for _, want := range []string{
		"start image job false", "done image job true", "done secrets polyaxon-v1 false", "done submit train its-run some-status false", "status run train its-run succeeded false",
	} {
		if !slices.Contains(have, want) {
			t.Errorf("there is no event %q in\n%s", want, strings.Join(have, "\n"))
		}
	}
}

// resultsProject makes a repository with an image, a secret, jobs that succeed, fail,
// wait for approval and take long, and a service.
func resultsProject(t *testing.T) string {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopSandboxes(t, dir) })
	program, err := os.ReadFile(filepath.Join("testdata", "job", "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	component := func(head, args string) string {
		return "version: 1.1\nkind: component\n" + head + "inputs:\n- {name: DOCKER_IMAGE, type: str}\nrun:\n  kind: job\n  container:\n    image: \"{{ DOCKER_IMAGE }}\"\n    args:\n" + args
	}
	for name, text := range map[string]string{
		"slipway.yaml": "project: results\nimages:\n  job: {go: {main: ./job}}\nsecrets:\n  signing: {data: {key: \"file:key.txt\"}}\njobs:\n  train: {polyaxonfile: train.yml, image: job}\n" +
			"  broken: {polyaxonfile: broken.yml, image: job}\n  gated: {polyaxonfile: gated.yml, image: job}\n  slow: {polyaxonfile: slow.yml, image: job}\nservices:\n  api: {polyaxonfile: api.yml, image: job}\nserve:\n  api: {model: train, image: job, service: api}\n",
		"key.txt":     "canary-in-a-mine",
		"go.mod":      "module results\ngo 1.26\n",
		"job/main.go": string(program),
		"train.yml": component("", "    - print=training\n    - \"metric={{ globals.run_artifacts_path }}/events/metric/accuracy.plx:0.97\"\n"+
			"    - \"write={{ globals.run_outputs_path }}/model.txt:weights\"\n"),
		"broken.yml": component("", "    - print=epoch 1\n    - exit=3\n"),
		"gated.yml":  component("isApproved: false\n", "    - print=approved\n"),
		"slow.yml":   component("", "    - sleep=60\n"),
		"api.yml":    strings.Replace(component("", "    - serve=8080\n"), "kind: job", "kind: service\n  ports: [8080]", 1),
		"bad.yml":    strings.Replace(component("", "    - print=x\n"), "container:", "contaner:", 1),
	} {
		mustWrite(t, filepath.Join(dir, name), text, 0o644)
	}
	for _, args := range []string{"init -q -b main", "add .", "commit -q -m one"} {
		command := exec.CommandContext(t.Context(), "git", append([]string{"-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"}, strings.Fields(args)...)...)
		command.Dir = dir
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v\n%s", args, err, out)
		}
	}
	return dir
}

// steady returns a result in which placeholders replace the values that differ from run
// to run.
func steady(t *testing.T, dir string, text []byte, soon bool) []byte {
	t.Helper()
	var result map[string]any
	if err := json.Unmarshal(text, &result); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	delete(result, "events") // see checkEvents
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(placeholder{dir, soon}.of("", result)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// placeholder replaces the values that differ from run to run.
type placeholder struct {
	dir  string
	soon bool
}

// varying matches the keys whose values differ. places matches the parts of texts that
// differ.
var (
	varying = regexp.MustCompile(`^(seconds|\w+_seconds|\w*bytes|created|time|started|pid|active_runs|isolated|platform|owner|updated)$`)
	places  = []struct {
		what *regexp.Regexp
		by   string
	}{
		{regexp.MustCompile(`slipway_key=[0-9a-f]+`), "slipway_key=<key>"},
		{regexp.MustCompile(`\b[0-9a-f]{64}\b`), "<digest>"},
		{regexp.MustCompile(`[0-9.]+ [KMGT]?B free`), "<size> free"},
		{regexp.MustCompile(`\b[0-9a-f]{40}\b`), "<commit>"},
		{regexp.MustCompile(`\b[0-9a-f]{32}\b`), "<uuid>"},
		{regexp.MustCompile(`\b[0-9a-f]{12}\b`), "<short>"},
		{regexp.MustCompile(`127\.0\.0\.1:\d+`), "127.0.0.1:<port>"},
		{regexp.MustCompile(`\b(?:devel-[0-9T.]+|v\d+\.\d+\.\d+-\S+)`), "<version>"},
	}
)

// longest is the length of the longest text that is compared. Schemas and components have
// tests of their own.
const longest = 1000

func (p placeholder) of(key string, value any) any {
	if varying.MatchString(key) || p.soon && key == "status" {
		return "<" + key + ">"
	}
	switch x := value.(type) {
	case map[string]any:
		for k, v := range x {
			if p.soon && (k == "reason" || k == "message") {
				delete(x, k)
				continue
			}
			x[k] = p.of(k, v)
		}
	case []any:
		for i, v := range x {
			x[i] = p.of("", v)
		}
		if key == "history" { // a status may occur several times, with different reasons
			return slices.CompactFunc(x, func(a, b any) bool { return a.(map[string]any)["status"] == b.(map[string]any)["status"] })
		}
	case string:
		if len(x) > longest {
			return "<" + key + ">"
		}
		if strings.Contains(x, p.dir) {
			x = filepath.ToSlash(strings.ReplaceAll(x, p.dir, "<dir>"))
		}
		for _, place := range places {
			x = place.what.ReplaceAllString(x, place.by)
		}
		return x
	}
	return value
}
