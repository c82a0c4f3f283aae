package tasks

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/slipway-ci/slipway/internal/printer"
	"github.com/slipway-ci/slipway/internal/sandbox/sandboxtest"
	"github.com/slipway-ci/slipway/internal/testenv"
	"github.com/slipway-ci/slipway/tasks/report"
)

// TestDoctor asks a real API server with a Polyaxon behind it, as an administrator, and as a
// user who gets the rights that are missing by the Role that doctor prints.
func TestDoctor(t *testing.T) {
	access := testenv.Kubernetes(t)
	kubectl := testenv.Kubectl(t)
	clients, job := clientsOf(t, access), buildJob(t)
	env, _, _ := serving(t, "secrets: {token: {data: {key: env:KEY}}}\nvolume: {claim: data, create: {size: 1Gi, access: ReadWriteMany}}", writeKubeconfig(t, access))
	env.Lookup = func(name string) (string, bool) { return "canary-in-env", name == "KEY" }
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	install(t, clients, sandboxtest.Polyaxon(t, "2.18", job))
	begun := time.Now()
	result, err := Doctor(ctx, env, DoctorOptions{})
	if err != nil || time.Since(begun) > 2*time.Second {
		t.Errorf("as an administrator, after %s: %v\n%s", time.Since(begun), err, told(t, result))
	}
	for _, want := range []string{"Kubernetes v", "you may do all that a deploy does", "Polyaxon 2.18.0 (ce)", "story does not exist yet: deploy creates it", "1 of 1 can be read", "agree to 1s"} {
		if text := told(t, result); !strings.Contains(text, want) || strings.Contains(text, "canary") {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}

	as(t, access, "limited@acme.dev")
	result, err = Doctor(ctx, env, DoctorOptions{})
	if failed := new(ChecksError); !errors.As(err, &failed) || ExitCode(err) != ExitStep {
		t.Fatalf("%v\n%s", err, told(t, result))
	}
	for range 2 { // for the volume, the needed and the other rights
		if err := os.WriteFile("admin", []byte(writeKubeconfig(t, access)), 0o600); err != nil {
			t.Fatal(err)
		}
		apply := exec.CommandContext(ctx, kubectl, "--kubeconfig", "admin", "apply", "-f", "-")
		apply.Stdin = strings.NewReader(manifestsIn(result))
		if out, err := apply.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s\n%s", err, out, manifestsIn(result))
		}
	}
	for { // RBAC is cached
		if result, err = Doctor(ctx, env, DoctorOptions{}); err == nil && manifestsIn(result) == "" {
			break
		}
		if ctx.Err() != nil {
			t.Fatalf("the Role does not give all rights: %v\n%s", err, told(t, result))
		}
		time.Sleep(20 * time.Millisecond)
	}

	wrong := rest.AnonymousClientConfig(access)
	wrong.BearerToken = "expired-canary-token"
	if err := os.WriteFile("kubeconfig", []byte(writeKubeconfig(t, wrong)), 0o600); err != nil {
		t.Fatal(err)
	}
	result, err = Doctor(ctx, env, DoctorOptions{})
	if text := told(t, result); ExitCode(err) != ExitStep || !strings.Contains(text, "log in to the cluster again") || strings.Contains(text, "expired-canary-token") {
		t.Errorf("%v\n%s", err, text)
	}
	eachRightAlone(t, access, clients, job)
}

// manifestsIn returns the objects to apply.
func manifestsIn(r *Result) string {
	var b strings.Builder
	for i := range r.Checks {
		b.WriteString(r.Checks[i].Manifest)
	}
	return b.String()
}

// told returns what users see of a Result, in all forms.
func told(t *testing.T, r *Result) string {
	t.Helper()
	var b bytes.Buffer
	if err := printer.Text(&b, r, printer.Page{}); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	b.Write(text)
	b.WriteString(strings.Join(printer.Summary(r), "\n\n"))
	return b.String()
}

// outcome returns the outcome of the first check of a system that is not ok, or ok.
func outcome(r *Result, system string) report.Outcome {
	for i := range r.Checks {
		if c := &r.Checks[i]; c.System == system && c.Outcome != report.CheckOK {
			return c.Outcome
		}
	}
	return report.CheckOK
}

// TestDoctorOfServers checks registries and Polyaxon servers that refuse, fail, are not there
// or do not answer.
func TestDoctorOfServers(t *testing.T) {
	over := make(chan struct{})
	defer close(over)
	refuse := func(code int, when func(*http.Request) bool) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			switch {
			case code == 0:
				select {
				case <-over:
				case <-r.Context().Done():
				}
			case when(r):
				w.WriteHeader(code)
			case r.Method == http.MethodPost:
				w.Header().Set("Location", "/v2/upload")
				w.WriteHeader(http.StatusAccepted)
			default:
				_, _ = w.Write([]byte(`{"version": "2.18.0", "dist": "ce", "results": []}`))
			}
		}
	}
	always := func(*http.Request) bool { return true }
	uploads := func(r *http.Request) bool { return r.Method == http.MethodPost }
	projects := func(r *http.Request) bool { return strings.Contains(r.URL.Path, "/story") }
	for name, c := range map[string]struct {
		handler            http.Handler
		registry, polyaxon report.Outcome
		want               string
	}{
		"fine": {refuse(404, projects), "ok", "ok", "deploy creates it"},
		"no release": {http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"version": "later", "results": []}`)
		}), "failed", "warning", "does not tell which release of Polyaxon it is"},
		"401":       {refuse(401, always), "failed", "failed", "log in with `docker login"},
		"403 push":  {refuse(403, uploads), "failed", "ok", "give you write access to"},
		"401 token": {refuse(401, projects), "ok", "failed", "create a new token"},
		"403 token": {refuse(403, projects), "ok", "failed", "give you access to project story"},
		"503":       {refuse(503, always), "failed", "failed", "the server fails, not this machine"},
		"silent":    {refuse(0, nil), "slow", "slow", "no answer in 300ms"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(c.handler)
			defer server.Close()
			dir := t.TempDir()
			for file, text := range map[string]string{
				"slipway.yaml": "project: story\nregistry: " + strings.TrimPrefix(server.URL, "http://") + "/team\npolyaxon: {host: '" + server.URL + "', token: env:TOKEN}\nimages: {app: {files: [a.py]}}\n",
				"a.py":         "print(1)\n",
			} {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			env := &Env{Dir: dir, Environ: os.Environ(), Lookup: func(name string) (string, bool) { return "canary-in-token\n", name == "TOKEN" }}
			begun := time.Now()
			result, err := Doctor(t.Context(), env, DoctorOptions{Timeout: 300 * time.Millisecond})
			if took := time.Since(begun); took > 2*time.Second {
				t.Errorf("it took %s", took)
			}
			text := told(t, result)
			if outcome(result, "registry") != c.registry || outcome(result, "polyaxon") != c.polyaxon || !strings.Contains(text, c.want) || strings.Contains(text, "canary") {
				t.Errorf("%v\n%s", err, text)
			}
			if want := map[bool]int{true: ExitOK, false: ExitStep}[name == "fine"]; ExitCode(err) != want {
				t.Errorf("exit code %d, want %d: %v", ExitCode(err), want, err)
			}
		})
	}
}
