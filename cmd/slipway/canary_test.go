package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/slipway-ci/slipway/internal/github/githubtest"
)

// TestNoSinkHasASecret deploys a project whose secrets come from each kind of source of this machine
// and have each form, as a workflow for a pull request does. It looks for them in all that slipway
// prints, writes, sends and keeps: the log, the summary, outputs, the comment, reports, images with
// their SBOM and provenance, runs, the bucket, requests to MLflow, and caches. Only the Secrets of the
// cluster have them.
func TestNoSinkHasASecret(t *testing.T) {
	t.Parallel()
	c := newCanaries(t)
	for _, args := range []string{
		"check", "check -o json", "plan", "plan -o json", "render train", "render train --pod", "secrets plan", "deploy --comment --verbose", "deploy -o json", "status train -o json",
		"runs", "logs train", "images -o json", "data ls -r gs://acme-ml/", "cluster status", "secrets sync --verbose", "plan --comment",
	} {
		c.run(args, 0)
	}
	c.mustBeClean("after all commands")
	if found := c.search(filepath.Join(c.dir, ".slipway", "sandbox", "kubernetes", "secrets")); len(found) < 3 {
		t.Errorf("the search does not even find the cluster's Secrets: %v", found)
	}
	if !c.inImage("a public text") {
		t.Error("the search does not look into layers")
	}
	c.mustNameServer()
	// Now the job prints all that it has, and fails: its last lines are in the summary, the comment and the report.
	c.loud = true
	c.run("deploy -f loud.yaml --comment", 1)
	c.run("deploy -f loud.yaml -o json", 1)
	c.run("status loud --file loud.yaml", 0)
	c.run("logs loud --file loud.yaml", 0)
	c.mustBeClean("after a job that prints its secrets")
	if changed := c.git("status", "--porcelain", "--untracked-files=all"); changed != "" {
		t.Errorf("the workspace has changed:\n%s", changed)
	}
	if shown := strings.Count(c.comment(), "***"); shown < 5 {
		t.Errorf("the comment has %d masked lines of the job:\n%s", shown, c.comment())
	}
}

// mustNameServer checks that what leads to the workflow names the server of GitHub that runs it, here
// an Enterprise Server: the comment, the run, and the provenance of the image.
func (c *canaries) mustNameServer() {
	c.t.Helper()
	const run, workflow = "https://ghes.acme.dev/acme/churn/actions/runs/9", "https://ghes.acme.dev/acme/churn/.github/workflows/pr.yml@refs/pull/7/merge"
	if !strings.Contains(c.comment(), run) || !c.inImage(run) || !c.inImage(workflow) || !strings.Contains(c.log.String(), run) {
		c.t.Error("the comment, the provenance or the run does not name the workflow on its own server")
	}
	if strings.Contains(c.comment(), "github.com/acme") || c.inImage("github.com/acme") {
		c.t.Error("something leads to github.com")
	}
}

// canaries is a repository whose secrets are all recognizable, and where its commands leave something.
type canaries struct {
	t *testing.T
	// dir is the repository, and out the directory of what is written outside of it.
	dir, out string
	github   *githubtest.Server
	environ  []string
	loud     bool

	mu  sync.Mutex
	log bytes.Buffer // of requests to MLflow, and what was printed
}

// canary is a part of each value, and words what has to be found nowhere.
const canary = "kanarienvogel"

func newCanaries(t *testing.T) *canaries {
	t.Helper()
	c := &canaries{t: t, dir: t.TempDir(), out: t.TempDir(), github: githubtest.New(t)}
	mlflow := httptest.NewServer(http.HandlerFunc(c.mlflow))
	t.Cleanup(mlflow.Close)
	t.Cleanup(func() { stopSandboxes(t, c.dir) })
	program, err := os.ReadFile(filepath.Join("testdata", "job", "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	value := func(n string) string { return canary + "-" + n + `/a="b"` }
	login := fmt.Sprintf(`{"auths":{"r.example.com":{"username":"ci","password":%q,"auth":%q}}}`, value("pull"), base64.StdEncoding.EncodeToString([]byte("ci:"+value("pull"))))
	config := "project: churn\nbucket: gs://acme-ml\nimages: {job: {go: {main: ./job}, files: [conf/], env: {MODE: batch}}}\n" +
		"mlflow: {tracking-uri: '" + mlflow.URL + "', experiment: churn, username: anna, password: 'file:conf/mlflow'}\n" +
		"secrets:\n  data: {data: {a: 'env:DATA', f: 'file:conf/key.txt'}}\n  pull: {data: {.dockerconfigjson: 'env:PULL'}}\n  login: {basic-auth: {username: ops, password: 'env:LOGIN'}}\n"
	job := func(args string) string {
		text := "version: 1.1\nkind: component\ninputs:\n- {name: DOCKER_IMAGE, type: str}\n- {name: PARAM, type: str, toEnv: PARAM}\nrun:\n  kind: job\n  container:\n    image: \"{{ DOCKER_IMAGE }}\"\n    env:\n"
		for _, of := range []string{"data a", "data f", "pull .dockerconfigjson", "login password"} {
			name, key, _ := strings.Cut(of, " ")
			text += fmt.Sprintf("    - {name: %s, valueFrom: {secretKeyRef: {name: %s, key: %q}}}\n", strings.ToUpper(name+"_"+strings.Trim(key, ".")), name, key)
		}
		return text + "    args: [" + args + "]\n"
	}
	const metric = `"metric={{ globals.run_artifacts_path }}/events/metric/accuracy.plx:0.9"`
	const params, all = "params: {PARAM: 'secret:env:PARAM'}", `"env=PARAM", "env=DATA_A", "env=DATA_F", "env=PULL_DOCKERCONFIGJSON", "env=LOGIN_PASSWORD", "env=MLFLOW_TRACKING_PASSWORD", "exit=3"`
	for name, text := range map[string]string{
		"slipway.yaml": config + "jobs: {train: {polyaxonfile: train.yml, image: job, artifacts: {model: outputs/model.txt}, " + params + "}}\n",
		"loud.yaml":    config + "jobs: {loud: {polyaxonfile: loud.yml, image: job, " + params + "}}\n",
		"train.yml":    job(`print=trained, ` + metric + `, "write={{ globals.run_outputs_path }}/model.txt:weights"`),
		"loud.yml":     job(all), "conf/public.txt": "a public text", "conf/key.txt": value("file"), "conf/mlflow": value("mlflow"), "job/main.go": string(program), "go.mod": "module churn\ngo 1.26\n",
	} {
		mustWrite(t, filepath.Join(c.dir, filepath.FromSlash(name)), text, 0o644)
	}
	mustWrite(t, filepath.Join(c.out, "event.json"), `{"pull_request": {"number": 7, "head": {"sha": "`+strings.Repeat("01", 20)+`", "repo": {"full_name": "acme/churn"}}, "base": {"ref": "main", "repo": {"full_name": "acme/churn"}}}}`, 0o644)
	c.git("init", "-q", "-b", "main")
	c.git("remote", "add", "origin", "https://me:"+canary+"-remote@git.example.com/acme/churn.git")
	c.git("add", "-A")
	c.git("-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-q", "-m", "t")
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	c.environ = append(os.Environ(), "GOCACHE="+filepath.Join(cache, "go-build"), "XDG_CACHE_HOME="+filepath.Join(c.out, "cache"), "RUNNER_TEMP="+c.out, "SLIPWAY_REPORTS="+filepath.Join(c.out, "reports"),
		"DATA="+value("data"), "PULL="+login, "LOGIN="+value("login"), "PARAM="+value("param"),
		"GITHUB_ACTIONS=true", "GITHUB_OUTPUT="+filepath.Join(c.out, "output"), "GITHUB_STEP_SUMMARY="+filepath.Join(c.out, "summary.md"), "GITHUB_TOKEN="+githubtest.Token, "GITHUB_API_URL="+c.github.URL,
		"GITHUB_EVENT_NAME=pull_request", "GITHUB_EVENT_PATH="+filepath.Join(c.out, "event.json"), "GITHUB_REPOSITORY=acme/churn", "GITHUB_REF=refs/pull/7/merge", "GITHUB_SERVER_URL=https://ghes.acme.dev", "GITHUB_RUN_ID=9",
		"GITHUB_WORKFLOW_REF=acme/churn/.github/workflows/pr.yml@refs/pull/7/merge",
	)
	return c
}

// git returns what a command of git prints in the repository.
func (c *canaries) git(args ...string) string {
	c.t.Helper()
	git := exec.CommandContext(c.t.Context(), "git", args...)
	git.Dir = c.dir
	out, err := git.CombinedOutput()
	if err != nil {
		c.t.Fatalf("git: %v\n%s", err, out)
	}
	return string(out)
}

// mlflow answers as a tracking server without runs, and keeps what it is sent but the credentials.
func (c *canaries) mlflow(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if user, password, _ := r.BasicAuth(); user != "anna" || !strings.HasPrefix(password, canary) {
		c.t.Errorf("MLflow is asked by %s", user)
	}
	r.Header.Del("Authorization")
	c.mu.Lock()
	defer c.mu.Unlock()
	fmt.Fprintf(&c.log, "%s %s\n%v\n%s\n", r.Method, r.URL, r.Header, body)
	_, _ = io.WriteString(w, `{"experiment_id": "7", "experiment": {"experiment_id": "7"}, "runs": []}`)
}

// run runs a command, which must end with a code. What the runner is told to mask is no output.
func (c *canaries) run(args string, code int) {
	c.t.Helper()
	command := exec.CommandContext(c.t.Context(), "slipway", strings.Fields(args)...)
	command.Dir, command.Env = c.dir, c.environ
	out, err := command.CombinedOutput()
	if got := command.ProcessState.ExitCode(); got != code {
		c.t.Fatalf("slipway %s: %v\n%s", args, err, out)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for line := range strings.Lines(string(out)) {
		if !strings.HasPrefix(line, "::add-mask::") {
			c.log.WriteString(line)
		}
	}
}
