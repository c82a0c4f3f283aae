package main

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/slipway-ci/slipway/internal/testenv"
)

// gitLabJob is a job of .gitlab-ci.yml, as far as TestGitLab interprets it.
type gitLabJob struct {
	Extends string
	Rules   []struct{ If, When string }
	// ResourceGroup and Environment are what a job waits for, and where it deploys.
	ResourceGroup string `yaml:"resource_group"`
	Environment   struct{ Name string }
	// Variables, BeforeScript and Script of the job that it extends are merged.
	Variables    map[string]string
	BeforeScript []string `yaml:"before_script"`
	Script       []string
	Artifacts    struct {
		When    string
		Paths   []string
		Reports map[string]string
	}
}

// TestGitLab runs the jobs of workflows/gitlab-ci.yml as GitLab's runner does: the lines of
// before_script and script in one shell that ends at the first one that fails, with the predefined
// variables (docs.gitlab.com/ci/variables/predefined_variables). Only the installation of slipway is
// replaced. Each job must leave what it declares as artifacts.
func TestGitLab(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "workflows", "gitlab-ci.yml"))
	if err != nil {
		t.Fatal(err)
	}
	jobs := map[string]gitLabJob{}
	if err := yaml.Unmarshal(text, &jobs); err != nil {
		t.Fatal(err)
	}
	branch := map[string]string{"CI_PIPELINE_SOURCE": "push", "CI_COMMIT_BRANCH": "main", "CI_COMMIT_REF_NAME": "main"}
	tag := map[string]string{"CI_PIPELINE_SOURCE": "push", "CI_COMMIT_TAG": "v1.2.0", "CI_COMMIT_REF_NAME": "v1.2.0"}
	schedule := map[string]string{"CI_PIPELINE_SOURCE": "schedule", "CI_COMMIT_BRANCH": "main", "CI_COMMIT_REF_NAME": "main"}
	request := map[string]string{
		"CI_PIPELINE_SOURCE": "merge_request_event", "CI_MERGE_REQUEST_REF_PATH": "refs/merge-requests/7/head", "CI_COMMIT_REF_NAME": "try",
		"CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main", "CI_MERGE_REQUEST_DIFF_BASE_SHA": strings.Repeat("02", 20),
	}
	pipelines := []struct {
		variables map[string]string
		job       string // the one that runs
		set       string // a variable more
		fails     bool
		wants     []string // in the log
	}{
		{branch, "slipway", "", false, []string{`job \| hello`, "\x1b\\[0Ksection_start:\\d+:slipway_1\r\x1b\\[0Klog of job\n", "\x1b\\[0Ksection_end:\\d+:slipway_1\r\x1b\\[0K\n", `job: submitted, succeeded`}},
		{request, "slipway-plan", "", false, []string{`checked 1 file`, `job: up-to-date`}},
		{request, "slipway-plan", "SLIPWAY_FILE=bad.yaml", true, []string{`bad.yml:5:26: error: undefined variable DOKER_IMAGE`}},
		{schedule, "slipway-nightly", "", false, []string{`job: submitted, succeeded`}},
		{tag, "slipway-release", "", false, []string{`v1\.2\.0`, `job \| production`}},
		{branch, "slipway", "SLIPWAY_FILE=failing.yaml", true, []string{`job \| cannot find the data`, `failed`}},
	}
	dir := ""
	if testenv.Thorough() {
		dir = gitLabProject(t)
	}
	for _, p := range pipelines {
		var run []string
		for name, job := range jobs {
			if !strings.HasPrefix(name, ".") && slices.ContainsFunc(job.Rules, func(r struct{ If, When string }) bool { return condition(t, r.If, p.variables) }) {
				run = append(run, name)
			}
		}
		if !slices.Equal(run, []string{p.job}) {
			t.Errorf("%v runs %v, want %s", p.variables, run, p.job)
		}
		checkGate(t, p.job, jobs[p.job])
		if dir == "" {
			continue
		}
		job, base := jobs[p.job], jobs[jobs[p.job].Extends]
		variables := maps.Clone(p.variables)
		maps.Copy(variables, base.Variables)
		maps.Copy(variables, job.Variables)
		log, err := runGitLabJob(t, dir, slices.Concat(base.BeforeScript, job.Script), variables, p.set)
		if (err != nil) != p.fails {
			t.Errorf("%s %s: %v\n%s", p.job, p.set, err, log)
		}
		for _, want := range p.wants {
			if !regexp.MustCompile(want).MatchString(log) {
				t.Errorf("%s %s never said %q:\n%q", p.job, p.set, want, log)
			}
		}
		checkArtifacts(t, dir, job)
	}
	if dir != "" {
		checkOrigin(t, dir, branch, "/ref: refs/heads/main\n", "/workflow: acme/churn/.gitlab-ci.yml@refs/heads/main\n")
		checkOrigin(t, dir, tag, "/ref: refs/tags/v1.2.0\n")
		checkOrigin(t, dir, request, "/ref: refs/merge-requests/7/head\n")
	}
}

// checkGate checks who may start a job and which jobs it waits for, as docs/gitlab.md says.
func checkGate(t *testing.T, name string, job gitLabJob) {
	t.Helper()
	group, when, environment := "slipway", "", ""
	switch name {
	case "slipway-plan":
		group = ""
	case "slipway-release":
		group, when, environment = "slipway-production", "manual", "production"
	}
	if job.ResourceGroup != group || job.Rules[0].When != when || job.Environment.Name != environment {
		t.Errorf("%s has the resource group %q, the rule %+v and the environment %q", name, job.ResourceGroup, job.Rules[0], job.Environment.Name)
	}
}

// checkArtifacts checks what a job has declared as artifacts.
func checkArtifacts(t *testing.T, dir string, job gitLabJob) {
	t.Helper()
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			t.Error(err)
		}
		return string(text)
	}
	if job.Artifacts.When != "always" || !slices.Equal(job.Artifacts.Paths, []string{".slipway/report/"}) {
		t.Errorf("the artifacts are %+v", job.Artifacts)
	}
	if summary := read(".slipway/report/summary.md"); !strings.Contains(summary, "## slipway ") || strings.Contains(summary, "canary") {
		t.Errorf("the summary is\n%s", summary)
	}
	if name := job.Artifacts.Reports["metrics"]; name != "" {
		if text := read(name); !regexp.MustCompile(`(?s)^# TYPE slipway_metric gauge\n.*slipway_metric\{job="job",name="accuracy"\} 0\.9\n# EOF\n$`).MatchString(text) {
			t.Errorf("the metrics are\n%s", text)
		}
	}
	if name := job.Artifacts.Reports["codequality"]; name != "" {
		var all []map[string]any
		if err := json.Unmarshal([]byte(read(name)), &all); err != nil || all == nil {
			t.Errorf("the code quality report: %v", err)
		}
		for _, one := range all { // the fields that GitLab demands
			location, _ := one["location"].(map[string]any)
			lines, _ := location["lines"].(map[string]any)
			if one["description"] == "" || one["check_name"] != "undefined-variable" || len(one["fingerprint"].(string)) != 64 || one["severity"] != "major" || location["path"] != "ml/bad.yml" || lines["begin"] != 5.0 {
				t.Errorf("a finding is %v", one)
			}
		}
	}
	if err := os.RemoveAll(filepath.Join(dir, ".slipway", "report")); err != nil { // a job begins without those of others
		t.Error(err)
	}
}

// checkOrigin checks what an operation says of the pipeline that submits it.
func checkOrigin(t *testing.T, dir string, variables map[string]string, wants ...string) {
	t.Helper()
	log, err := runGitLabJob(t, dir, []string{"slipway render job"}, variables, "")
	if err != nil {
		t.Errorf("%v\n%s", err, log)
	}
	for _, want := range append(wants, "/workflow-run: https://gitlab.example.com/acme/churn/-/jobs/99\n") {
		if !strings.Contains(log, want) {
			t.Errorf("the operation has no %s:\n%s", want, log)
		}
	}
}

// condition evaluates a condition of rules: comparisons and names of variables, joined by &&.
func condition(t *testing.T, text string, variables map[string]string) bool {
	t.Helper()
	value := func(word string) string {
		if name, ok := strings.CutPrefix(word, "$"); ok {
			if name == "CI_DEFAULT_BRANCH" {
				return "main"
			}
			return variables[name]
		}
		return strings.Trim(word, `"`)
	}
	for part := range strings.SplitSeq(text, "&&") {
		words := strings.Fields(part)
		switch {
		case len(words) == 1 && value(words[0]) != "":
		case len(words) == 3 && words[1] == "==" && value(words[0]) == value(words[2]):
		case len(words) == 3 && words[1] == "!=" && value(words[0]) != value(words[2]):
		case len(words) != 1 && len(words) != 3:
			t.Fatalf("%q is not a condition that the test knows", text)
		default:
			return false
		}
	}
	return true
}

// runGitLabJob runs the lines of a job, and returns its log.
func runGitLabJob(t *testing.T, dir string, lines []string, variables map[string]string, more string) (string, error) {
	t.Helper()
	c := exec.CommandContext(t.Context(), "sh", "-ec", strings.Join(lines, "\n"))
	c.Dir = dir
	c.Env = append(os.Environ(), "PATH="+filepath.Join(dir, "bin")+string(os.PathListSeparator)+os.Getenv("PATH"), "TOKEN=canary-0123456789", "SLIPWAY_DIR=ml",
		"CI=true", "GITLAB_CI=true", "CI_SERVER_URL=https://gitlab.example.com", "CI_PROJECT_PATH=acme/churn", "CI_CONFIG_PATH=.gitlab-ci.yml", "CI_PROJECT_DIR="+dir, "GITLAB_USER_LOGIN=alice",
		"CI_JOB_URL=https://gitlab.example.com/acme/churn/-/jobs/99", "CI_DEFAULT_BRANCH=main")
	for name, value := range variables {
		c.Env = append(c.Env, name+"="+value)
	}
	if more != "" {
		name, value, _ := strings.Cut(more, "=")
		c.Env = append(c.Env, name+"="+filepath.Join(dir, "ml", value))
	}
	out, err := c.CombinedOutput()
	return string(out), err
}

// gitLabProject returns a repository whose project is in the directory ml.
func gitLabProject(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	program, err := os.ReadFile(filepath.Join("testdata", "job", "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	component := func(image, args string) string {
		return "version: 1.1\nkind: component\nrun:\n  kind: job\n  container: {image: \"{{ " + image + " }}\", args: [" + args + "]}\n"
	}
	const metric = `, "metric={{ globals.run_artifacts_path }}/events/metric/accuracy.plx:0.9"`
	for name, text := range map[string]string{
		"ml/job/main.go": string(program), "ml/go.mod": "module story\ngo 1.26\n", ".gitignore": ".slipway/\nbin/\n",
		"ml/slipway.yaml":   "project: churn\nimages: {job: {go: {main: ./job}}}\nsecrets: {s: {data: {TOKEN: env:TOKEN}}}\njobs: {job: {polyaxonfile: job.yml, image: job}}\nenvironments: {production: {jobs: {job: {polyaxonfile: production.yml, image: job}}}}\n",
		"ml/bad.yaml":       "project: churn\njobs: {job: {polyaxonfile: bad.yml}}\n",
		"ml/failing.yaml":   "project: churn\nimages: {job: {go: {main: ./job}}}\njobs: {job: {polyaxonfile: failing.yml, image: job}}\n",
		"ml/job.yml":        component("DOCKER_IMAGE", `"print=hello"`+metric),
		"ml/production.yml": component("DOCKER_IMAGE", `"print=production"`+metric),
		"ml/failing.yml":    component("DOCKER_IMAGE", `"print=cannot find the data"`+metric+`, "exit=3"`),
		"ml/bad.yml":        component("DOKER_IMAGE", ""),
		// It does nothing: slipway is on PATH already.
		"bin/pip": "#!/bin/sh\n[ \"$*\" = 'install --quiet --root-user-action=ignore slipway-ci' ]\n",
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(strings.Replace(text, "kind: component\n", "kind: component\ninputs: [{name: DOCKER_IMAGE, type: str, value: x, isOptional: true}]\n", map[bool]int{true: 1}[!strings.Contains(text, "DOKER")])), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"init", "-q", "-b", "main"}, {"add", "-A"}, {"-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-q", "-m", "t"}} {
		git := exec.CommandContext(t.Context(), "git", args...)
		git.Dir = dir
		if out, err := git.CombinedOutput(); err != nil {
			t.Fatalf("git: %v\n%s", err, out)
		}
	}
	t.Cleanup(func() { stopSandboxes(t, dir) })
	return dir
}
