package sandbox_test

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/sandbox"
	"github.com/slipway-ci/slipway/internal/secret"
)

// hostile runs jobs that attack the sandbox.
type hostile struct {
	*sandbox.Sandbox
	client *polyaxon.Client
	image  string
}

func attack(t *testing.T, dir string) *hostile {
	t.Helper()
	s := join(t, dir)
	client, err := polyaxon.New(polyaxon.Options{Host: s.Polyaxon, Token: s.Token})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.EnsureProject(t.Context(), "hostile"); err != nil {
		t.Fatal(err)
	}
	return &hostile{s, client, pushJob(t, s)}
}

// operation returns an operation whose job executes the steps in args.
func (h *hostile) operation(more string, args ...string) string {
	command := ""
	for _, arg := range args {
		command += fmt.Sprintf(", %q", arg)
	}
	return fmt.Sprintf(`{"version": 1.1, "kind": "operation", "component": {"kind": "component", "version": 1.1%s, "run": {"kind": "job",
		"container": {"image": %q, "command": ["/app/job"%s]}}}}`, more, h.image, command)
}

// lines returns the lines that a run has printed.
func (h *hostile) lines(t *testing.T, uuid string) (lines []string) {
	t.Helper()
	page, err := h.client.Logs(t.Context(), polyaxon.LogQuery{Namespace: h.Namespace, Project: "hostile", UUID: uuid, Kind: "job"})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range page.Lines {
		lines = append(lines, l.Value)
	}
	return lines
}

// run runs a job to its end and returns its UUID, its final status and its lines.
func (h *hostile) run(t *testing.T, more string, args ...string) (uuid string, status polyaxon.Status, lines []string) {
	t.Helper()
	made, err := h.client.CreateRun(t.Context(), "hostile", polyaxon.CreateRun{Content: h.operation(more, args...)})
	if err != nil {
		t.Fatal(err)
	}
	until(t, "the job ends", func() bool {
		status, _, err = h.client.Statuses(t.Context(), "hostile", made.UUID)
		if err != nil {
			t.Fatal(err)
		}
		return status.Terminal()
	})
	return made.UUID, status, h.lines(t, made.UUID)
}

// TestJobCannotMakeTheSandboxWrite runs a job that replaces the log file of its next
// attempt, and the log directory, by links to files of the machine.
func TestJobCannotMakeTheSandboxWrite(t *testing.T) {
	dir, machine := t.TempDir(), t.TempDir()
	victim := filepath.Join(machine, "bashrc")
	if err := os.WriteFile(victim, []byte("mine\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	h := attack(t, dir)
	const artifacts = "{{ globals.run_artifacts_path }}"
	for _, link := range []string{
		"link=" + artifacts + "/plxlogs/plx-operation-{{ globals.uuid }}-1.jsonl:" + victim,
		"link=" + artifacts + "/plxlogs:" + machine,
	} {
		uuid, status, lines := h.run(t, `, "termination": {"maxRetries": 1}`, "print=touch /tmp/owned", link, "exit=1")
		if status != polyaxon.Failed || strings.Join(lines, ";") != "touch /tmp/owned;touch /tmp/owned" {
			t.Errorf("%s: the run is %s with the lines %q", link, status, lines)
		}
		files, _, err := h.client.Tree(t.Context(), polyaxon.Artifact{Namespace: h.Namespace, Project: "hostile", UUID: uuid, Path: "plxlogs"})
		if err != nil || len(files) != 2 {
			t.Errorf("the lines are listed as %v (%v)", files, err)
		}
	}
	text, err := os.ReadFile(victim)
	if err != nil || string(text) != "mine\n" {
		t.Errorf("the file of the machine holds %q (%v)", text, err)
	}
	if entries, err := os.ReadDir(machine); err != nil || len(entries) != 1 {
		t.Errorf("beside it there are %v (%v)", entries, err)
	}
}

// TestJobCannotMakeTheSandboxRead runs a job that leaves links among its artifacts.
func TestJobCannotMakeTheSandboxRead(t *testing.T) {
	dir := t.TempDir()
	victim := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(victim, []byte("step|timestamp|metric\n0|2026-01-01 00:00:00+00:00|1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	h := attack(t, dir)
	const artifacts = "{{ globals.run_artifacts_path }}"
	uuid, status, lines := h.run(t, "", "link="+artifacts+"/outputs/secret:"+victim, "link="+artifacts+"/outputs/zero:/dev/zero", "link="+artifacts+"/outputs/etc:/etc",
		"link="+artifacts+"/events/metric/loss.plx:"+victim, "link="+artifacts+"/events/metric/zero.plx:/dev/zero",
		"write="+artifacts+"/outputs/step-1:model", "link="+artifacts+"/outputs/latest:step-1", "link="+artifacts+"/outputs/again:.")
	if status != polyaxon.Succeeded {
		t.Fatal(status, lines)
	}
	at := func(path string) polyaxon.Artifact {
		return polyaxon.Artifact{Namespace: h.Namespace, Project: "hostile", UUID: uuid, Path: path}
	}
	began := time.Now()
	for _, path := range []string{"outputs/secret", "outputs/zero", "outputs/etc/hostname", "outputs/etc"} {
		if body, err := h.client.Artifact(t.Context(), at(path)); err == nil {
			t.Errorf("%s is served", path)
			_ = body.Close()
		}
	}
	files, directories, err := h.client.Tree(t.Context(), at("outputs"))
	if err != nil || len(files) != 2 || files["latest"] != 5 || len(directories) != 0 {
		t.Errorf("outputs are listed as %v, %v (%v)", files, directories, err)
	}
	series, err := h.client.Metrics(t.Context(), at(""), []string{"loss", "zero"})
	if err != nil || len(series) != 0 {
		t.Errorf("metrics of files of the machine: %v (%v)", series, err)
	}
	body, err := h.client.Directory(t.Context(), at(""))
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	names := archived(t, body)
	if got := strings.Join(names, " "); got != "outputs/latest outputs/step-1" && !strings.HasPrefix(got, "outputs/latest outputs/step-1 plxlogs/") {
		t.Errorf("the archive holds %s", got)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %s", took)
	}
}

// TestNamesAreNotPaths uses names in operations that would lead elsewhere if they were
// used as paths.
func TestNamesAreNotPaths(t *testing.T) {
	base := t.TempDir()
	dir := filepath.Join(base, "a", "sandbox")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	h := attack(t, dir)
	for _, name := range []string{"../../../../../escaped", "volumes", "..", "a/b"} {
		content := fmt.Sprintf(`{"version": 1.1, "kind": "operation", "component": {"kind": "component", "version": 1.1, "run": {"kind": "job",
			"init": [{"container": {"name": %[1]q, "image": %[2]q, "command": ["/app/job", "print=init"]}}], "volumes": [{"name": "upper", "emptyDir": {}}],
			"container": {"image": %[2]q, "command": ["/app/job", "print=main"], "volumeMounts": [{"name": "upper", "mountPath": "/upper"}]}}}}`, name, h.image)
		made, err := h.client.CreateRun(t.Context(), "hostile", polyaxon.CreateRun{Content: content})
		if err != nil {
			continue // a refusal is fine too
		}
		until(t, "the run ends", func() bool {
			status, _, err := h.client.Statuses(t.Context(), "hostile", made.UUID)
			return err == nil && status.Terminal()
		})
	}
	for _, above := range []string{base, filepath.Join(base, "a")} {
		if entries, err := os.ReadDir(above); err != nil || len(entries) != 1 {
			t.Errorf("in %s there are %v (%v)", above, entries, err)
		}
	}
	// A claim of this name used to be the directory of all host paths. A job that mounted
	// it could replace the directory of another job by a link.
	uuid, _, lines := h.run(t, "", "print=x")
	for _, volume := range []string{`{"persistentVolumeClaim": {"claimName": "host-path"}}`, `{"persistentVolumeClaim": {"claimName": "host-paths"}}`} {
		content := fmt.Sprintf(`{"version": 1.1, "kind": "operation", "component": {"kind": "component", "version": 1.1, "run": {"kind": "job",
			"volumes": [{"name": "all", %s], "container": {"image": %q, "command": ["/app/job", "link=/all/data:%s"], "volumeMounts": [{"name": "all", "mountPath": "/all"}]}}}}`,
			strings.TrimPrefix(volume, "{"), h.image, base)
		made, err := h.client.CreateRun(t.Context(), "hostile", polyaxon.CreateRun{Content: content})
		if err != nil {
			t.Fatal(err, uuid, lines)
		}
		until(t, "the run ends", func() bool {
			status, _, err := h.client.Statuses(t.Context(), "hostile", made.UUID)
			return err == nil && status.Terminal()
		})
	}
	content := fmt.Sprintf(`{"version": 1.1, "kind": "operation", "component": {"kind": "component", "version": 1.1, "run": {"kind": "job",
		"volumes": [{"name": "data", "hostPath": {"path": "/data"}}], "container": {"image": %q, "command": ["/app/job", "write=/host/planted:x"],
		"volumeMounts": [{"name": "data", "mountPath": "/host"}]}}}}`, h.image)
	made, err := h.client.CreateRun(t.Context(), "hostile", polyaxon.CreateRun{Content: content})
	if err != nil {
		t.Fatal(err)
	}
	until(t, "the run ends", func() bool {
		status, _, err := h.client.Statuses(t.Context(), "hostile", made.UUID)
		return err == nil && status.Terminal()
	})
	if _, err := os.Stat(filepath.Join(base, "planted")); err == nil {
		t.Error("a host path led to the machine")
	}
}

// archived returns the names in a tar.gz archive.
func archived(t *testing.T, content io.Reader) (names []string) {
	t.Helper()
	zip, err := gzip.NewReader(content)
	if err != nil {
		t.Fatal(err)
	}
	for packed := tar.NewReader(zip); ; {
		header, err := packed.Next()
		if errors.Is(err, io.EOF) {
			return names
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, header.Name)
	}
}

// TestRunTokenIsLimitedToItsProject takes the token from a job's environment and uses it
// for requests to all parts of the sandbox.
func TestRunTokenIsLimitedToItsProject(t *testing.T) {
	h := attack(t, t.TempDir())
	if err := h.client.EnsureProject(t.Context(), "other"); err != nil {
		t.Fatal(err)
	}
	foreign, err := h.client.CreateRun(t.Context(), "other", polyaxon.CreateRun{Content: h.operation("", "print=x")})
	if err != nil {
		t.Fatal(err)
	}
	waiting, err := h.client.CreateRun(t.Context(), "hostile", polyaxon.CreateRun{
		Content: strings.Replace(h.operation("", "print=x"), `"kind": "operation"`, `"kind": "operation", "isApproved": false`, 1),
	})
	if err != nil {
		t.Fatal(err)
	}
	thief, err := h.client.CreateRun(t.Context(), "hostile", polyaxon.CreateRun{Content: h.operation("", "env=POLYAXON_AUTH_TOKEN", "sleep=600")})
	if err != nil {
		t.Fatal(err)
	}
	token := ""
	defer func() {
		if t.Failed() {
			_, conditions, err := h.client.Statuses(context.Background(), "hostile", thief.UUID)
			t.Log(conditions, err)
		}
	}()
	until(t, "the job tells its token", func() bool {
		for _, line := range h.lines(t, thief.UUID) {
			token = strings.TrimPrefix(line, "POLYAXON_AUTH_TOKEN is ")
		}
		return token != ""
	})
	for _, other := range []secret.Value{h.Token, h.RegistryToken, h.KubernetesToken} {
		if token == string(other.Reveal()) {
			t.Fatal("the job has a token of the sandbox itself")
		}
	}
	const project = "/api/v1/default/hostile"
	carrier, err := rest.TransportFor(&rest.Config{TLSClientConfig: h.Access().TLSClientConfig})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(method, address, body string) int {
		request, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+token)
		request.Header.Set("Content-Type", "application/json")
		response, err := carrier.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		return response.StatusCode
	}
	for _, c := range []struct {
		method, address, body string
		want                  int
	}{
		{"GET", h.Kubernetes + "/api/v1/secrets", "", 401},
		{"GET", h.Kubernetes + "/version", "", 401},
		{"GET", h.Registry + "/v2/", "", 401},
		{"GET", h.Polyaxon + "/_slipway/status", "", 401},
		{"POST", h.Polyaxon + "/_slipway/stop", "", 401},
		{"GET", h.Polyaxon + "/api/v1/default/projects/list", "", 403},
		{"POST", h.Polyaxon + "/api/v1/default/projects/create", `{"name": "mine"}`, 403},
		{"DELETE", h.Polyaxon + project, "", 403},
		{"GET", h.Polyaxon + "/api/v1/default/other", "", 403},
		{"GET", h.Polyaxon + "/api/v1/default/other/runs/" + foreign.UUID, "", 403},
		{"DELETE", h.Polyaxon + "/api/v1/default/other/runs/" + foreign.UUID, "", 403},
		{"DELETE", h.Polyaxon + project + "/runs/" + foreign.UUID, "", 204}, // as for a run that does not exist
		{"GET", h.Polyaxon + "/api/v1/x%2Fhostile/other/runs", "", 403},
		{"GET", h.Polyaxon + "/streams/v1/" + h.Namespace + "/default/other/runs/" + foreign.UUID + "/logs", "", 403},
		{"GET", h.Polyaxon + "/services/v1/" + h.Namespace + "/default/hostile/runs/" + foreign.UUID + "/", "", 403},
		{"POST", h.Polyaxon + project + "/runs/" + waiting.UUID + "/approve", "{}", 403},
		{"POST", h.Polyaxon + project + "/runs/" + waiting.UUID + "/statuses", `{"condition": {"type": "failed"}, "force": true}`, 403},
		{"POST", h.Polyaxon + project + "/runs/" + waiting.UUID + "/resume", "{}", 403},
		{"POST", h.Polyaxon + project + "/runs/" + thief.UUID + "/transfer", `{"project": "other"}`, 403},
		{"GET", h.Polyaxon + "/api/v1/default/other/runs/" + foreign.UUID, "", 403},
		{"GET", h.Polyaxon + "/api/v1/installation", "", 200},
		{"GET", h.Polyaxon + project + "/runs/" + thief.UUID, "", 200},
		{"PATCH", h.Polyaxon + project + "/runs/" + thief.UUID, `{"outputs": {"a": 1}}`, 200},
	} {
		if got := ask(c.method, c.address, c.body); got != c.want {
			t.Errorf("%s %s: %d, want %d", c.method, c.address, got, c.want)
		}
	}
	if r, err := h.client.Run(t.Context(), "other", foreign.UUID); err != nil {
		t.Errorf("the other project's run: %+v %v", r, err)
	}
	// A run that the job submits may use no Secrets but the job's own.
	stolen := `{"version": 1.1, "kind": "operation", "component": {"kind": "component", "version": 1.1, "run": {"kind": "job", "container": {"image": "` + h.image +
		`", "command": ["/app/job", "env=X"], "env": [{"name": "X", "valueFrom": {"secretKeyRef": {"name": "theirs", "key": "k"}}}]}}}}`
	encoded, err := json.Marshal(map[string]string{"content": stolen, "name": "stolen"})
	if err != nil {
		t.Fatal(err)
	}
	if got := ask("POST", h.Polyaxon+project+"/runs", string(encoded)); got != 201 {
		t.Fatalf("a run of its own project: %d", got)
	}
	until(t, "the run that it submitted fails", func() bool {
		runs, _, err := h.client.Runs(t.Context(), "hostile", polyaxon.Query{Query: "name:stolen"})
		return err == nil && len(runs) == 1 && runs[0].Status == polyaxon.Failed
	})
	// The token becomes invalid when the run ends.
	if err := h.client.Stop(t.Context(), "hostile", thief.UUID); err != nil {
		t.Fatal(err)
	}
	until(t, "its token ends", func() bool { return ask("GET", h.Polyaxon+project+"/runs/"+thief.UUID, "") == 401 })
}
