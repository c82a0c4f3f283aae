package tasks

import (
	"cmp"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/slipway-ci/slipway/internal/google/googletest"
	"github.com/slipway-ci/slipway/internal/sandbox/kubernetes"
	"github.com/slipway-ci/slipway/tasks/report"
)

// TestDoctorOfTools takes away the programs that builds call. Only those count that this
// slipway.yaml needs.
func TestDoctorOfTools(t *testing.T) {
	uv := map[string]string{"a/pyproject.toml": "[project]\nname = \"a\"\nversion = \"1\"\n", "a/uv.lock": "version = 1\n", "a/poetry.lock": "", "a/requirements.txt": ""}
	for name, c := range map[string]struct{ image, programs, want string }{
		"go":                 {"go: {main: .}", "", "the go command was not found on the PATH"},
		"go there":           {"go: {main: .}", "go", ""},
		"files":              {"files: [a]", "", ""},
		"uv":                 {"python: {base: '127.0.0.1:1/python', requirements: a/uv.lock, version: '3.12'}", "", "uv was not found on the PATH, and neither was a Python with pip"},
		"uv there":           {"python: {base: '127.0.0.1:1/python', requirements: a/uv.lock, version: '3.12'}", "uv", ""},
		"pip installs uv":    {"python: {base: '127.0.0.1:1/python', requirements: a/uv.lock, version: '3.12'}", "python3", ""},
		"poetry":             {"python: {base: '127.0.0.1:1/python', requirements: a/poetry.lock, version: '3.12'}", "uv", "poetry was not found on the PATH"},
		"requirements":       {"python: {base: '127.0.0.1:1/python', requirements: a/requirements.txt, version: '3.12'}", "", ""},
		"from source":        {"python: {base: '127.0.0.1:1/python', requirements: a/requirements.txt, version: '3.12', build-from-source: [x]}", "", "neither Python with pip nor uv was found on the PATH"},
		"from source, by uv": {"python: {base: '127.0.0.1:1/python', requirements: a/requirements.txt, version: '3.12', build-from-source: [x]}", "uv", ""},
		"ssh":                {"dockerfile: Dockerfile, ssh: true", "", "it needs an SSH agent, but SSH_AUTH_SOCK is not set"},
	} {
		t.Run(name, func(t *testing.T) {
			tree := map[string]string{"slipway.yaml": "project: story\nregistry: REGISTRY\nimages: {app: {" + c.image + "}}\n", "Dockerfile": "FROM scratch\n", "main.go": "package main\n"}
			for path, text := range uv {
				tree[path] = text
			}
			env, _, _ := laptopWith(t, tree)
			bin := t.TempDir()
			if c.programs != "" {
				if err := os.WriteFile(filepath.Join(bin, c.programs), []byte("#!/bin/sh\nexit 0\n"), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			env.Environ = []string{"PATH=" + bin, "DOCKER_HOST=unix:///none"}
			result, _ := Doctor(t.Context(), env, DoctorOptions{Timeout: time.Minute})
			check := byWhat(result, "builder")["app"]
			if (c.want == "") != (check.Outcome == "") || !strings.Contains(check.Detail, c.want) {
				t.Errorf("%+v\n%s", check, told(t, result))
			}
		})
	}
}

// TestDoctorOfMLflow asks an MLflow that is fine, down, silent or another server, and one that
// refuses the user.
func TestDoctorOfMLflow(t *testing.T) {
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		outcome report.Outcome
		want    string
	}{
		"fine": {func(w http.ResponseWriter, r *http.Request) {
			if user, password, _ := r.BasicAuth(); user != "anna" || password != "canary-password" || r.URL.Path != "/api/2.0/mlflow/experiments/search" {
				w.WriteHeader(http.StatusUnauthorized)
			}
		}, report.CheckOK, "http://127.0.0.1"},
		"401": {echo(http.StatusUnauthorized), report.CheckFailed, "refuses the user (401)"},
		"403": {echo(http.StatusForbidden), report.CheckFailed, "refuses the user (403)"},
		"404": {echo(http.StatusNotFound), report.CheckWarning, "does not answer as MLflow does (404)"},
		"503": {echo(http.StatusServiceUnavailable), report.CheckWarning, "does not answer as MLflow does (503)"},
		"elsewhere": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/login?from="+r.Header.Get("Authorization"), http.StatusFound)
		}, report.CheckWarning, "(302)"},
		"silent": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, report.CheckWarning, "no answer in 1.5s; jobs may reach it"},
		"down":   {nil, report.CheckWarning, "connection refused; jobs may reach it"},
	} {
		t.Run(name, func(t *testing.T) {
			address := "127.0.0.1:1"
			if c.handler != nil {
				server := httptest.NewServer(c.handler)
				defer server.Close()
				address = strings.TrimPrefix(server.URL, "http://")
			}
			env, _, _ := laptopWith(t, map[string]string{"slipway.yaml": "project: story\nregistry: REGISTRY\npolyaxon: {host: 'http://127.0.0.1:1'}\n" +
				"mlflow: {tracking-uri: 'http://" + address + "', username: anna, password: env:MLFLOW}\n"})
			env.Lookup = func(name string) (string, bool) { return "canary-password\n", name == "MLFLOW" }
			result, _ := Doctor(t.Context(), env, DoctorOptions{Timeout: 1500 * time.Millisecond})
			text := told(t, result)
			if got := outcome(result, "mlflow"); got != c.outcome || !strings.Contains(text, c.want) || strings.Contains(text, "canary") {
				t.Errorf("%s\n%s", got, text)
			}
		})
	}
}

// echo answers with all that a request has.
func echo(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(code)
		_, _ = io.WriteString(w, r.URL.String()+" "+user+" "+password+" "+r.Header.Get("Authorization")+" "+string(body))
	}
}

// TestDoctorOfGoogle names the identity and the role that is missing at Google Cloud, once.
func TestDoctorOfGoogle(t *testing.T) {
	const member = "serviceAccount:deployer@acme-ml.iam.gserviceaccount.com"
	text := inGoogle + "polyaxon: {host: 'http://127.0.0.1:1'}\nimages: {api: {files: [src]}}\nsecrets: {token: {data: {key: '" + managed("token") + "', new: '" + managed("other") + "'}}}\n"
	for name, c := range map[string]struct {
		prepare func(*googleCloud, *Env)
		failed  []string
		want    string
	}{
		"fine":     {func(*googleCloud, *Env) {}, nil, "3 of 3 can be read"},
		"a secret": {func(c *googleCloud, _ *Env) { c.Deny("secretmanager.versions.access") }, []string{"secrets", "secrets"}, "grant roles/secretmanager.secretAccessor to " + member},
		"the cluster": {func(c *googleCloud, _ *Env) { c.Deny("container.clusters.get") }, []string{"cluster"},
			"grant roles/container.clusterViewer to " + member},
		"the registry": {func(c *googleCloud, _ *Env) {
			next := c.images.Next
			c.images.Next = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost {
					w.WriteHeader(http.StatusForbidden)
					return
				}
				next.ServeHTTP(w, r)
			})
		}, []string{"registry"}, "grant roles/artifactregistry.writer to " + member},
		"a disabled account": {func(c *googleCloud, _ *Env) { c.DisableAccount("deployer@acme-ml.iam.gserviceaccount.com") }, []string{"registry", "google"}, "no access token for service account deployer@"},
		"a deleted account":  {func(c *googleCloud, _ *Env) { c.DeleteAccount("deployer@acme-ml.iam.gserviceaccount.com") }, []string{"registry", "google"}, "deployer@"},
		"not a key": {func(_ *googleCloud, env *Env) {
			env.Lookup = func(name string) (string, bool) { return "canary", name == "GCP_SA_KEY" }
		}, []string{"registry", "google"}, "env:GCP_SA_KEY is not JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			cloud, env, _ := inCloud(t, map[string]string{"slipway.yaml": text, "src/a.py": "print(1)\n"})
			for _, secret := range []string{"token", "other"} {
				cloud.AddSecret(secret, &googletest.Version{Value: []byte("canary-0123456789")})
			}
			c.prepare(cloud, env)
			result, err := Doctor(t.Context(), env, DoctorOptions{Timeout: time.Minute})
			var failed []string
			for _, check := range result.Checks {
				if check.Outcome == report.CheckFailed && check.System != "polyaxon" { // there is none in the cluster
					failed = append(failed, check.System)
				}
			}
			out := told(t, result)
			if strings.Join(failed, " ") != strings.Join(c.failed, " ") || !strings.Contains(out, c.want) || strings.Contains(out, "canary") {
				t.Errorf("%v: %v\n%s", failed, err, out)
			}
		})
	}
}

// TestDoctorOfAbsentCluster reports a cluster that is not there once, whatever is found through
// it.
func TestDoctorOfAbsentCluster(t *testing.T) {
	silent := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	silent.Start()
	defer silent.Close()
	for name, server := range map[string]string{"absent": "http://127.0.0.1:1", "silent": silent.URL} {
		env, _, _ := laptopWith(t, map[string]string{"Dockerfile": "FROM scratch\n", "kubeconfig": writeKubeconfig(t, &rest.Config{Host: server}),
			"slipway.yaml": "project: story\nregistry: REGISTRY\ncluster: {kubeconfig: {path: kubeconfig}}\nimages: {app: {dockerfile: Dockerfile}}\n"})
		result, err := Doctor(t.Context(), env, DoctorOptions{Timeout: time.Second})
		bad := ""
		for _, c := range result.Checks {
			if c.Outcome == report.CheckFailed || c.Outcome == report.CheckSlow {
				bad += c.System + " "
			}
		}
		if bad != "cluster " || byWhat(result, "polyaxon")["server"].Outcome != report.CheckHidden || byWhat(result, "builder")["buildkit"].Outcome != report.CheckHidden {
			t.Errorf("%s: %s: %v\n%s", name, bad, err, told(t, result))
		}
	}
}

// TestDoctorOfManifests reads manifests that are not there, are wrong, or lack a variable.
func TestDoctorOfManifests(t *testing.T) {
	for name, c := range map[string]struct {
		file, text string
		outcome    report.Outcome
		want       string
	}{
		"fine":       {"k8s.yaml", configManifest("a", "1"), report.CheckOK, "1 object can be read"},
		"absent":     {"none.yaml", "", report.CheckFailed, "slipway.yaml:5:13: manifests: none.yaml not found"},
		"wrong":      {"k8s.yaml", "kind: Service\n", report.CheckFailed, "k8s.yaml:1:1: a manifest needs apiVersion"},
		"a variable": {"k8s.yaml", configManifest("a", "${UNSET}"), report.CheckFailed, "UNSET"},
	} {
		env, _, _ := laptopWith(t, map[string]string{"k8s.yaml": c.text,
			"slipway.yaml": "project: story\nregistry: REGISTRY\npolyaxon: {host: 'http://127.0.0.1:1'}\ncluster: {kubeconfig: {path: none}}\nmanifests: [" + c.file + "]\n"})
		result, err := Doctor(t.Context(), env, DoctorOptions{Timeout: time.Minute})
		if got := byWhat(result, "manifests")["files"]; got.Outcome != c.outcome || !strings.Contains(got.Detail, c.want) {
			t.Errorf("%s: %+v: %v", name, got, err)
		}
		// A file that is not there is no server that does not answer.
		if access := byWhat(result, "cluster")["access"]; access.Outcome != report.CheckFailed || access.Advice != "" || ExitCode(err) != ExitUsage {
			t.Errorf("%s: %+v: %v", name, access, err)
		}
	}
}

// TestDoctorOfBuildKit looks for BuildKit where BUILDKIT_HOST says, and in the cluster.
func TestDoctorOfBuildKit(t *testing.T) {
	api, err := kubernetes.New(t.TempDir(), "polyaxon-v1")
	if err != nil {
		t.Fatal(err)
	}
	level := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/v1/namespaces/polyaxon-v1" {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "polyaxon-v1", "labels": {"pod-security.kubernetes.io/enforce": "`+cmp.Or(level, "baseline")+`"}}}`)
			return
		}
		api.ServeHTTP(w, r)
	}))
	defer server.Close()
	const inCluster = "cluster: {kubeconfig: {path: kubeconfig}}\n"
	for name, c := range map[string]struct {
		cluster, level, host string
		outcome              report.Outcome
		want                 string
	}{
		"none":       {"", "", "", report.CheckFailed, "images of kind dockerfile need BuildKit, and none was found"},
		"down":       {inCluster, "", "unix:///none", report.CheckFailed, "BuildKit at unix:///none does not answer"},
		"a mistake":  {inCluster, "", "127.0.0.1:80", report.CheckFailed, "set it to unix://PATH or tcp://HOST:PORT"},
		"in cluster": {inCluster, "", "", report.CheckOK, "deploy starts one in namespace polyaxon-v1"},
		"restricted": {inCluster, "restricted", "", report.CheckFailed, "it enforces the Pod Security Standard restricted"},
	} {
		t.Run(name, func(t *testing.T) {
			env, _, _ := laptopWith(t, map[string]string{"Dockerfile": "FROM scratch\n", "kubeconfig": writeKubeconfig(t, &rest.Config{Host: server.URL}),
				"slipway.yaml": "project: story\nregistry: REGISTRY\npolyaxon: {host: 'http://127.0.0.1:1'}\n" + c.cluster + "images: {app: {dockerfile: Dockerfile}}\n"})
			level = c.level
			env.Environ = []string{"HOME=/none", "BUILDKIT_HOST=" + c.host}
			result, _ := Doctor(t.Context(), env, DoctorOptions{Timeout: time.Minute})
			if got := byWhat(result, "builder")["buildkit"]; got.Outcome != c.outcome || !strings.Contains(got.Detail, c.want) {
				t.Errorf("%+v\n%s", got, told(t, result))
			}
		})
	}
}
