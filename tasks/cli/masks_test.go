package cli_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/tasks"
	"github.com/slipway-ci/slipway/tasks/cli"
	"github.com/slipway-ci/slipway/tasks/report"
)

const (
	polyaxonToken = "plx-token-0123456789abcdef"
	clusterToken  = "kube-token-0123456789abcdef"
	password      = "registry-pass-0123456789"
	bearer        = "minted-token-0123456789abcdef"
	pullSecret    = "pull-secret-0123456789"
)

// echo returns a server that repeats the credentials of each request in its response: as
// text, as JSON like Polyaxon and Kubernetes, or like a registry, which first issues a
// token.
func echo(t *testing.T, start func(http.Handler) *httptest.Server) *httptest.Server {
	var server *httptest.Server
	server = start(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		said := r.Header.Get("Authorization") + " " + base64.StdEncoding.EncodeToString([]byte(r.Header.Get("Authorization"))) + "\n::error::" + pullSecret
		switch {
		case r.URL.Path == "/v2/" && r.Header.Get("Authorization") == "":
			w.Header().Set("WWW-Authenticate", `Bearer realm="`+server.URL+`/token",service="echo"`)
			w.WriteHeader(http.StatusUnauthorized)
		case r.URL.Path == "/token":
			_, _ = fmt.Fprintf(w, `{"token":%q}`, bearer)
		case strings.HasPrefix(r.URL.Path, "/v2/") && r.Method == http.MethodHead:
			w.WriteHeader(http.StatusMethodNotAllowed) // the response to HEAD has no body to echo in
		case strings.HasPrefix(r.URL.Path, "/v2/"):
			w.WriteHeader(http.StatusForbidden)
			_ = json.NewEncoder(w).Encode(map[string]any{"errors": []any{map[string]string{"code": "DENIED", "message": said}}})
		case strings.Contains(r.URL.Path, "/namespaces"):
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnprocessableEntity)
			_ = json.NewEncoder(w).Encode(map[string]any{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Invalid", "code": 422, "message": said})
		default:
			w.WriteHeader(http.StatusBadRequest)
			_ = json.NewEncoder(w).Encode(map[string]string{"detail": said})
		}
	}))
	t.Cleanup(server.Close)
	return server
}

// TestEchoes lets Polyaxon, Kubernetes and a registry echo the credentials that they are
// sent. No output of slipway may contain a credential.
func TestEchoes(t *testing.T) {
	server, kubernetes := echo(t, httptest.NewServer), echo(t, httptest.NewTLSServer)
	dir := t.TempDir()
	host := strings.TrimPrefix(server.URL, "http://")
	for name, text := range map[string]string{
		"slipway.yaml": "project: story\nregistry: " + host + "/team\npolyaxon: {host: \"" + server.URL + "\", token: env:PLX}\ncluster: {kubeconfig: {path: kubeconfig}, namespace: team}\n" +
			"images: {job: {files: [job.yml], base: " + host + "/base}}\njobs: {job: {polyaxonfile: job.yml, image: job}}\nsecrets: {pull: {data: {PULL: env:PULL}}}\n",
		"job.yml": "version: 1.1\nkind: component\ninputs: [{name: DOCKER_IMAGE, type: str}]\nrun: {kind: job, container: {image: \"{{ DOCKER_IMAGE }}\"}}\n",
		"kubeconfig": "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{name: c, context: {cluster: c, user: u}}]\nclusters: [{name: c, cluster: {insecure-skip-tls-verify: true, server: \"" + kubernetes.URL +
			"\"}}]\nusers: [{name: u, user: {token: " + clusterToken + "}}]\n",
		"config.json": `{"auths":{"` + host + `":{"auth":"` + base64.StdEncoding.EncodeToString([]byte("me:"+password)) + `"}}}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, value := range map[string]string{
		"DOCKER_CONFIG": dir, "PLX": polyaxonToken, "PULL": pullSecret, "GITHUB_ACTIONS": "true",
		"GITHUB_STEP_SUMMARY": filepath.Join(dir, "summary"), "GITHUB_OUTPUT": filepath.Join(dir, "output"),
	} {
		t.Setenv(name, value)
	}
	for name, test := range map[string]struct {
		task cli.Task
		sent []string
		ends bool // without an error
	}{
		"polyaxon": {func(ctx context.Context, env *tasks.Env) (*report.Result, error) {
			return tasks.Runs(ctx, env, tasks.RunsOptions{})
		}, []string{polyaxonToken}, false},
		"cluster status": {tasks.ClusterStatus, []string{polyaxonToken, clusterToken}, true},
		"kubernetes": {func(ctx context.Context, env *tasks.Env) (*report.Result, error) {
			return tasks.SecretsSync(ctx, env, tasks.SecretsOptions{})
		}, []string{clusterToken, pullSecret}, false},
		"registry": {func(ctx context.Context, env *tasks.Env) (*report.Result, error) {
			return tasks.Build(ctx, env, tasks.BuildOptions{})
		}, []string{bearer, password}, false},
	} {
		for _, output := range []string{"text", "json"} {
			t.Run(name+" "+output, func(t *testing.T) {
				var out, told bytes.Buffer
				d := cli.Open()
				d.Dir, d.Output, d.Stdout, d.Stderr, d.Verbose = dir, output, &out, &told, true
				if err := d.Run(t.Context(), test.task); (err == nil) != test.ends {
					t.Fatalf("it ended with %v", err)
				}
				if output == "json" && !json.Valid(out.Bytes()) {
					t.Errorf("this is not JSON: %s", out.String())
				}
				summary, _ := os.ReadFile(filepath.Join(dir, "summary"))
				masks := regexp.MustCompile(`(?m)^::add-mask::.*\n`)
				said := masks.ReplaceAllString(told.String(), "") + out.String() + string(summary)
				if !strings.Contains(said, "***") {
					t.Errorf("nothing was echoed: %s", said)
				}
				for _, value := range append(test.sent, polyaxonToken, clusterToken, password, bearer, pullSecret) {
					for form, text := range map[string]string{"as it is": value, "in base64": base64.StdEncoding.EncodeToString([]byte("Bearer " + value))[12:], "as a user's": base64.StdEncoding.EncodeToString([]byte("me:" + value))} {
						if strings.Contains(said, text) {
							t.Errorf("%s is shown %s:\n%s", value, form, said)
						}
					}
				}
				for _, value := range test.sent {
					if !strings.Contains(told.String(), "::add-mask::"+value+"\n") {
						t.Errorf("the runner is not told of %s", value)
					}
				}
			})
		}
	}
}

// TestLinesStandBesideJSON streams lines, as logs does. Standard output must still be one
// JSON object.
func TestLinesStandBesideJSON(t *testing.T) {
	for output, want := range map[string]string{"text": "a line\n", "json": ""} {
		var out, told bytes.Buffer
		d := cli.Open()
		d.Output, d.Stdout, d.Stderr = output, &out, &told
		err := d.Run(t.Context(), func(_ context.Context, env *tasks.Env) (*report.Result, error) {
			_, err := env.Stdout.Write([]byte("a line\n"))
			return &report.Result{Command: "logs"}, err
		})
		if err != nil || output == "text" && out.String() != want {
			t.Errorf("%v: %q", err, out.String())
		}
		if output == "json" && (!json.Valid(out.Bytes()) || told.String() != "a line\n") {
			t.Errorf("%q, %q", out.String(), told.String())
		}
	}
}

// TestEventsAreMasked prints a Result whose events have a secret in each text.
func TestEventsAreMasked(t *testing.T) {
	var out bytes.Buffer
	d := cli.Open()
	d.Output, d.Stdout, d.Stderr = "json", &out, &bytes.Buffer{}
	if err := d.Run(t.Context(), func(_ context.Context, env *tasks.Env) (*report.Result, error) {
		env.Secrets.Learn([]byte(pullSecret), true)
		e := report.Event{Kind: report.Status, Step: pullSecret, Subject: "s/" + pullSecret, Run: pullSecret, Status: pullSecret, Message: "one\n" + pullSecret + "\ntwo"}
		return &report.Result{Command: "deploy", Events: []report.Event{e}}, nil
	}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), pullSecret) || strings.Count(out.String(), "***") != 5 || !json.Valid(out.Bytes()) {
		t.Errorf("printed is %s", out.String())
	}
}

// TestRawTextIsNotACommand prints text that contains workflow commands. The runner must not
// obey them.
func TestRawTextIsNotACommand(t *testing.T) {
	t.Setenv("GITHUB_ACTIONS", "true")
	for _, text := range []string{"a: |\n  ::error::forged\n", "# ##[error]forged\n", "a\r::warning::forged"} {
		for _, output := range []string{"text", "json"} {
			var out, told bytes.Buffer
			d := cli.Open()
			d.Output, d.Stdout, d.Stderr = output, &out, &told
			if err := d.Run(t.Context(), func(context.Context, *tasks.Env) (*report.Result, error) {
				return &report.Result{Command: "render", Text: text, Project: "\u202e\u009b"}, nil
			}); err != nil {
				t.Fatal(err)
			}
			if output == "json" {
				var r report.Result
				if err := json.Unmarshal(out.Bytes(), &r); err != nil || r.Text != text || strings.Contains(out.String(), "##[") || strings.ContainsAny(out.String(), "\u202e\u009b") {
					t.Errorf("%v: %s", err, out.String())
				}
				continue
			}
			between := regexp.MustCompile(`(?s)^::stop-commands::(\w{20,})\n(.*)\n::(\w+)::\n$`).FindStringSubmatch(out.String())
			if between == nil || between[1] != between[3] || strings.TrimSuffix(text, "\n") != between[2] {
				t.Errorf("got %q", out.String())
			}
		}
	}
	// Text without workflow commands is printed unchanged, also into a pipe.
	var out bytes.Buffer
	d := cli.Open()
	d.Stdout, d.Stderr = &out, &bytes.Buffer{}
	if err := d.Run(t.Context(), func(context.Context, *tasks.Env) (*report.Result, error) {
		return &report.Result{Text: "a: b::c\n"}, nil
	}); err != nil || out.String() != "a: b::c\n" {
		t.Errorf("%v: %q", err, out.String())
	}
}
