package cli_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/tasks"
	"github.com/slipway-ci/slipway/tasks/cli"
	"github.com/slipway-ci/slipway/tasks/report"
)

// only returns a lookup function that panics for one name.
func only(broken string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		if name == broken {
			fault()
		}
		return "", false
	}
}

type carrier func(*http.Request) (*http.Response, error)

func (f carrier) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

type sink func(report.Event)

func (f sink) Event(e report.Event) { f(e) }

// fault stands for a dependency that panics.
func fault() string { panic("provoked") }

// TestFaults makes each dependency panic wherever the packages use it, also in goroutines.
// Each command must exit with 3 and say where the fault is and how to report it. It must
// never succeed.
func TestFaults(t *testing.T) {
	quiet := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v2/" {
			return
		}
		http.NotFound(w, r)
	}))
	defer quiet.Close()
	dir := t.TempDir()
	host := strings.TrimPrefix(quiet.URL, "http://")
	component := "version: 1.1\nkind: component\nrun: {kind: job, container: {image: busybox, command: [\"true\"]}}\n"
	for name, text := range map[string]string{
		"slipway.yaml": "project: story\nregistry: " + host + "/team\npolyaxon: {host: \"${HOST:-" + quiet.URL + "}\", token: env:PLX}\ncluster: {kubeconfig: {path: kubeconfig}, namespace: team}\n" +
			"images: {job: {files: [good.yml], base: " + host + "/base}, other: {files: [good.yml], base: " + host + "/base}}\njobs: {job: {polyaxonfile: good.yml}}\nsecrets: {s: {data: {K: env:PLX}}}\n",
		"good.yml": component,
		"bad.yml":  strings.Replace(component, "component", "componnent", 1),
		"ref.yml":  "version: 1.1\nkind: operation\nurlRef: https://example.com/component.yml\n",
		"kubeconfig": "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{name: c, context: {cluster: c, user: u}}]\nclusters: [{name: c, cluster: {server: \"" + quiet.URL +
			"\"}}]\nusers: [{name: u, user: {token: t}}]\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PLX", "token-0123456789")
	runs := func(ctx context.Context, env *tasks.Env) (*report.Result, error) {
		return tasks.Runs(ctx, env, tasks.RunsOptions{})
	}
	build := func(ctx context.Context, env *tasks.Env) (*report.Result, error) {
		return tasks.Build(ctx, env, tasks.BuildOptions{})
	}
	check := func(files ...string) cli.Task {
		return func(ctx context.Context, env *tasks.Env) (*report.Result, error) {
			return tasks.Check(ctx, env, tasks.CheckOptions{Files: files, Version: "2.18"})
		}
	}
	at := func(part string) func(*tasks.Env) {
		return func(env *tasks.Env) {
			next := env.Transport
			env.Transport = carrier(func(r *http.Request) (*http.Response, error) {
				if strings.Contains(r.URL.String(), part) {
					fault()
				}
				return next.RoundTrip(r)
			})
		}
	}
	for name, test := range map[string]struct {
		task   cli.Task
		broken func(*tasks.Env)
		want   []string
	}{
		"config":       {runs, func(env *tasks.Env) { env.Lookup = func(string) (string, bool) { return fault(), true } }, nil},
		"secret":       {runs, func(env *tasks.Env) { env.Lookup = only("PLX") }, nil},
		"polyaxon":     {runs, at("/api/v1"), nil},
		"image":        {build, at("/v2/"), nil},
		"tasks":        {build, func(env *tasks.Env) { env.Events = sink(func(e report.Event) { fault() }) }, nil},
		"polyaxonfile": {check("ref.yml", "bad.yml", "good.yml"), at("example.com"), []string{"ref.yml", "componnent"}},
		"report": {func(context.Context, *tasks.Env) (*report.Result, error) {
			return &report.Result{Text: "x"}, nil
		}, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var out, told bytes.Buffer
			d := cli.Open()
			d.Dir, d.Stdout, d.Stderr = dir, &out, &told
			if name == "report" {
				d.Stdout = panickingWriter{}
			}
			err := d.Run(t.Context(), func(ctx context.Context, env *tasks.Env) (*report.Result, error) {
				if test.broken != nil {
					test.broken(env)
				}
				return test.task(ctx, env)
			})
			var ended *cli.ExitError
			if !errors.As(err, &ended) || ended.Code != tasks.ExitStep {
				t.Errorf("it ended with %v: %s%s", err, told.String(), out.String())
			}
			said := told.String() + out.String()
			for _, want := range append(test.want, "this is a bug in slipway (panic: provoked)", "/issues", "faults_test.go:") {
				if !strings.Contains(said, want) {
					t.Errorf("it does not say %q:\n%s", want, said)
				}
			}
		})
	}
}

// panickingWriter is a writer that panics.
type panickingWriter struct{}

func (panickingWriter) Write([]byte) (int, error) { return len(fault()), nil }

// TestBrokenPipe checks that a command continues when its output has no reader left.
func TestBrokenPipe(t *testing.T) {
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	_ = reader.Close()
	defer writer.Close()
	ended := false
	d := cli.Open()
	d.Stdout, d.Stderr = writer, writer
	err = d.Run(t.Context(), func(ctx context.Context, env *tasks.Env) (*report.Result, error) {
		for range 100 {
			env.Events.Event(report.Event{Kind: report.Note, Message: "it goes on"})
			_, _ = env.Stdout.Write([]byte("a line\n"))
		}
		ended = true
		return &report.Result{Text: "the result"}, nil
	})
	if err != nil || !ended {
		t.Errorf("it ended with %v", err)
	}
}
