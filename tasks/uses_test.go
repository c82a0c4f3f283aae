package tasks

import (
	"errors"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/slipway-ci/slipway/internal/sandbox/sandboxtest"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/tasks/report"
)

// laptopWith returns the Env of a repository with the files of tree. In slipway.yaml,
// REGISTRY stands for the address of a registry. asked returns the number of requests to
// that registry.
func laptopWith(t *testing.T, tree map[string]string) (env *Env, events *eventLog, asked func() int) {
	t.Helper()
	var mu sync.Mutex
	requests := 0
	handler := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		requests++
		mu.Unlock()
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	dir := t.TempDir()
	for name, text := range tree {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(strings.ReplaceAll(text, "REGISTRY", strings.TrimPrefix(server.URL, "http://")+"/acme")), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	events = &eventLog{}
	return &Env{Dir: ".", Events: events, Transport: http.DefaultTransport, Now: time.Now, Self: []string{"no-program-starts-the-sandbox"},
			Lookup: func(string) (string, bool) { return "", false }}, events, func() int {
			mu.Lock()
			defer mu.Unlock()
			return requests
		}
}

const jobFile = "version: 1.1\nkind: component\ninputs: [{name: DOCKER_IMAGE, type: str}]\nrun: {kind: job, container: {image: '{{ DOCKER_IMAGE }}'}}\n"

func actionsIn(r *report.Result) map[string]string {
	all := map[string]string{}
	for _, i := range r.Images {
		all["image "+i.Name] = string(i.Action)
	}
	for _, s := range r.Secrets {
		all["secret "+s.Name] = string(s.Action)
	}
	for _, j := range r.Jobs {
		all["job "+j.Name] = string(j.Action)
	}
	return all
}

// TestCommandsConnectOnlyWhatTheyUse checks that each command contacts only the servers
// that it uses. There is a registry, and a cluster whose kubeconfig file does not exist.
func TestCommandsConnectOnlyWhatTheyUse(t *testing.T) {
	env, events, asked := laptopWith(t, map[string]string{
		"slipway.yaml": "project: story\nregistry: REGISTRY\ncluster: {kubeconfig: {path: elsewhere/kubeconfig}}\n" +
			"images: {api: {files: [src]}}\nsecrets: {token: {data: {key: 'file:token.txt'}}}\njobs: {train: {polyaxonfile: job.yml, image: api}}\n",
		"src/a.py": "print(1)\n", "token.txt": "a-token", "job.yml": jobFile,
	})
	ctx := t.Context()
	want := func(what string, r *report.Result, err error, want map[string]string) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", what, err)
			return
		}
		if diff := cmp.Diff(want, actionsIn(r)); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
	planned, err := Plan(ctx, env, PlanOptions{Offline: true})
	want("plan --offline", planned, err, map[string]string{"image api": "unknown", "secret token": "unknown", "job train": "unknown"})
	if asked() > 0 {
		t.Errorf("plan --offline asks the registry %d times", asked())
	}
	if _, err := Plan(ctx, env, PlanOptions{Offline: true, ExitCode: true}); ExitCode(err) != ExitChanges {
		t.Errorf("what is unknown counts as no change: %v", err)
	}
	planned, err = Plan(ctx, env, PlanOptions{})
	want("plan", planned, err, map[string]string{"image api": "push", "secret token": "unknown", "job train": "unknown"})
	if n := strings.Count(events.String(), "elsewhere/kubeconfig"); n != 1 {
		t.Errorf("plan says %d times why: %v", n, events)
	}
	built, err := Build(ctx, env, BuildOptions{})
	want("build", built, err, map[string]string{"image api": "pushed"})
	planned, err = Plan(ctx, env, PlanOptions{})
	want("plan after build", planned, err, map[string]string{"image api": "up-to-date", "secret token": "unknown", "job train": "unknown"})
	if listed, err := Images(ctx, env); err != nil || len(listed.Images) != 1 {
		t.Errorf("images: %+v, %v", listed, err)
	}
	retagged, err := Retag(ctx, env, RetagOptions{From: built.Images[0].Tags[0], To: "v1"})
	want("retag", retagged, err, map[string]string{"image api": "tagged"})
	if _, err := Retag(ctx, env, RetagOptions{From: "HEAD", To: "v2"}); ExitCode(err) != ExitUsage || !strings.Contains(err.Error(), "not a repository of git") {
		t.Errorf("retag without git: %v", err)
	}
	for _, o := range []RenderOptions{{}, {Version: "2.18"}, {Compiled: true, Version: "2.18"}, {Source: true, Version: "1.11.3"}} {
		events.text.Reset()
		o.Job = "train"
		rendered, err := Render(ctx, env, o)
		if err != nil || !strings.Contains(rendered.Text, "image") {
			t.Errorf("render %+v: %v", o, err)
		}
		if strings.Contains(events.String(), "does not report its version") != (o.Version == "") {
			t.Errorf("render %+v says %v", o, events)
		}
	}
	if _, err := os.Stat(filepath.Join(".slipway", "sandbox")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the sandbox was started, which nothing uses")
	}
}

// TestPlanShowsTags checks that a plan shows an image that only gets another tag, because a
// deploy writes that tag.
func TestPlanShowsTags(t *testing.T) {
	const file = "project: story\nregistry: REGISTRY\nimages: {api: {files: [src], tags: [v1]}}\n"
	env, _, _ := laptopWith(t, map[string]string{"slipway.yaml": file, "src/a.py": "print(1)\n"})
	check := func(tag string, planned, built report.Action) {
		t.Helper()
		text, err := os.ReadFile("slipway.yaml")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("slipway.yaml", []byte(strings.Replace(string(text), "tags: [v1]", "tags: ["+tag+"]", 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		plan, err := Plan(t.Context(), env, PlanOptions{})
		if err != nil || plan.Images[0].Action != planned || (plan.Changes > 0) != (planned != "up-to-date") || planned == "tag" && !slices.Equal(plan.Images[0].Tags, []string{tag}) {
			t.Errorf("planned %+v, %d changes, want %s: %v", plan.Images, plan.Changes, planned, err)
		}
		if build, err := Build(t.Context(), env, BuildOptions{}); err != nil || build.Images[0].Action != built {
			t.Errorf("built %+v, want %s: %v", build.Images, built, err)
		}
	}
	check("v1", "push", "pushed")
	check("v1", "up-to-date", "up-to-date")
	check("v2", "tag", "tagged")
	check("v2", "up-to-date", "up-to-date")
}

// TestPartsThatAreLeftOut checks that the sandbox is started when a command needs it, and
// that a registry is required when an image of slipway.yaml is used.
func TestPartsThatAreLeftOut(t *testing.T) {
	other := "version: 1.1\nkind: component\nrun: {kind: job, container: {image: 'busybox:1.36'}}\n"
	for what, c := range map[string]struct {
		config string
		do     func(*testing.T, *Env) error
	}{
		"build without a cluster": {"registry: REGISTRY\nimages: {api: {files: [job.yml]}}", func(t *testing.T, env *Env) error {
			_, err := Build(t.Context(), env, BuildOptions{})
			return err
		}},
		"runs on a server without a cluster": {"registry: REGISTRY\npolyaxon: {host: '" + sandboxtest.Polyaxon(t, "1.11.3", "") + "'}", func(t *testing.T, env *Env) error {
			_, err := Runs(t.Context(), env, RunsOptions{})
			return err
		}},
		"a job with an image of its own, without a registry": {"cluster: {kubeconfig: {path: none}}\njobs: {train: {polyaxonfile: job.yml}}", func(t *testing.T, env *Env) error {
			planned, err := Plan(t.Context(), env, PlanOptions{})
			if err == nil && planned.Jobs[0].Action != "unknown" {
				t.Errorf("%+v", planned.Jobs)
			}
			return err
		}},
		"images and no jobs": {"registry: REGISTRY\nimages: {api: {files: [job.yml]}}", func(t *testing.T, env *Env) error {
			planned, err := Plan(t.Context(), env, PlanOptions{})
			if err != nil || len(planned.Images) != 1 {
				t.Errorf("plan: %+v, %v", planned, err)
			}
			deployed, err := Deploy(t.Context(), env, DeployOptions{})
			if err == nil && (len(deployed.Images) != 1 || deployed.Images[0].Action != "pushed") {
				t.Errorf("%+v", deployed)
			}
			if events, _ := env.Events.(*eventLog); !strings.Contains(events.String(), "has no jobs") {
				t.Error("it is not said that there are no jobs")
			}
			return err
		}},
	} {
		t.Run(what, func(t *testing.T) {
			env, _, _ := laptopWith(t, map[string]string{"slipway.yaml": "project: story\n" + c.config + "\n", "job.yml": other})
			if err := c.do(t, env); err != nil {
				t.Error(err)
			}
			if _, err := os.Stat(filepath.Join(".slipway", "sandbox")); !errors.Is(err, fs.ErrNotExist) {
				t.Error("the sandbox was started, which nothing uses")
			}
		})
	}
}

// TestAllThatIsMissing checks that everything that is missing is reported at once.
func TestAllThatIsMissing(t *testing.T) {
	env, _, asked := laptopWith(t, map[string]string{
		"slipway.yaml": "project: story\nregistry: REGISTRY\npolyaxon: {host: 'http://127.0.0.1:1', token: 'env:PLX_TOKEN'}\ncluster: {kubeconfig: {path: none}}\n" +
			"images:\n  api: {files: [src, conf]}\n  train: {python: {base: 'python:3.12', requirements: lock.txt}}\n  other: {dockerfile: Dockerfile.gone}\n" +
			"secrets: {a: {data: {x: 'env:FIRST', y: 'env:SECOND'}}, b: {data: {z: 'file:third'}}}\n" +
			"jobs:\n  one: {polyaxonfile: one.yml, image: api}\n  two: {polyaxonfile: two.yml, image: train}\n  three: {polyaxonfile: job.yml, image: other}\n",
		"job.yml": jobFile, "src/a.py": "",
	})
	env.Transport = http.DefaultTransport
	_, err := Deploy(t.Context(), env, DeployOptions{})
	if err == nil || ExitCode(err) != ExitUsage {
		t.Fatalf("%v", err)
	}
	for _, missing := range []string{"FIRST", "SECOND", "third", "PLX_TOKEN", "slipway.yaml:6:22: image api: conf not found", "slipway.yaml:7:55: image train: lock.txt not found", "Dockerfile.gone", "one.yml", "two.yml"} {
		if !strings.Contains(err.Error(), missing) {
			t.Errorf("%s is not told", missing)
		}
	}
	for _, leaf := range source.Flatten(err) {
		var located *source.Error
		if !errors.As(leaf, &located) || located.Position.File == "" || located.Position.Line == 0 {
			t.Errorf("without a place: %v", leaf)
		}
	}
	_, err = Build(t.Context(), env, BuildOptions{})
	for _, missing := range []string{"conf", "lock.txt", "Dockerfile.gone"} {
		if err == nil || !strings.Contains(err.Error(), missing) {
			t.Errorf("build does not tell %s: %v", missing, err)
		}
	}
	if asked() > 0 {
		t.Error("the registry was asked")
	}
}
