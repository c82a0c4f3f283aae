package tasks

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/printer"
	"github.com/slipway-ci/slipway/internal/sandbox/sandboxtest"
	"github.com/slipway-ci/slipway/tasks/report"
)

// unreachable is the kubeconfig of a cluster that does not answer.
const unreachable = "apiVersion: v1\nkind: Config\ncurrent-context: a\nclusters: [{name: a, cluster: {server: 'http://127.0.0.1:1'}}]\nusers: [{name: a, user: {}}]\ncontexts: [{name: a, context: {cluster: a, user: a}}]\n"

// eventLog is a sink that collects events.
type eventLog struct {
	mu   sync.Mutex
	text strings.Builder
}

// Event implements report.Sink.
func (h *eventLog) Event(e report.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	fmt.Fprintf(&h.text, "%v %s %s: %s\n", e.Kind, e.Step, e.Subject, e.Message)
}

func (h *eventLog) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.String()
}

// serving writes a repository with a service that listens on port, and returns the Env of a
// user there. where is the part of slipway.yaml that describes the platform.
func serving(t *testing.T, where, kubeconfig string) (env *Env, events *eventLog, port int) {
	t.Helper()
	dir := t.TempDir()
	port = freePort(t)
	for name, text := range map[string]string{
		"slipway.yaml": "project: story\nregistry: 127.0.0.1:1/none\ncluster: {kubeconfig: {path: kubeconfig}, namespace: polyaxon-v1}\n" + where + "\nservices:\n  api: {polyaxonfile: api.yml}\n",
		"api.yml": fmt.Sprintf("version: 1.1\nkind: component\nrun:\n  kind: service\n  ports: [%d]\n  rewritePath: true\n  container:\n    image: none\n    command: [%q, \"serve=%d\"]\n"+
			"    resources: {limits: {nvidia.com/gpu: 2}}\n", port, sandboxtest.Program, port),
		"kubeconfig": kubeconfig,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	events = &eventLog{}
	return &Env{Dir: ".", Events: events, Transport: http.DefaultTransport, Now: time.Now, Machine: "desk",
		Lookup: func(name string) (string, bool) { return "anna", name == "USER" }}, events, port
}

// buildJob builds the program that the tests run as a job.
func buildJob(t *testing.T) string {
	t.Helper()
	job := filepath.Join(t.TempDir(), "job.exe")
	build := exec.Command("go", "build", "-o", job, "../cmd/slipway/testdata/job")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the job: %v\n%s", err, out)
	}
	return job
}

func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// TestKubeconfigBesideConfiguration checks that a kubeconfig file is searched for next to
// slipway.yaml, not in the current directory.
func TestKubeconfigBesideConfiguration(t *testing.T) {
	env, _, _ := serving(t, "polyaxon: {host: '"+sandboxtest.Polyaxon(t, "1.11.3", "")+"'}", unreachable)
	if err := os.Mkdir("below", 0o700); err != nil {
		t.Fatal(err)
	}
	t.Chdir("below")
	env.Dir = ".."
	if _, err := Runs(t.Context(), env, RunsOptions{}); err != nil {
		t.Error(err)
	}
	if err := os.Remove(filepath.Join("..", "kubeconfig")); err != nil {
		t.Fatal(err)
	}
	if _, err := SecretsPlan(t.Context(), env, SecretsOptions{}); err == nil || ExitCode(err) != ExitUsage || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("secrets without the file: %v", err)
	}
	// Runs asks only Polyaxon.
	if _, err := Runs(t.Context(), env, RunsOptions{}); err != nil {
		t.Errorf("runs without the file: %v", err)
	}
}

// TestServicesThroughGateway reaches a service on a 1.11.3 server through the server's
// gateway. It also checks the warning for a forgotten service: since when it has been
// running, who started it, and which resources it holds.
func TestServicesThroughGateway(t *testing.T) {
	host := sandboxtest.Polyaxon(t, "1.11.3", buildJob(t))
	env, events, _ := serving(t, "prices: {currency: EUR, per-hour: {nvidia.com/gpu: 2}}\npolyaxon: {host: '"+host+"'}", unreachable)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()

	up, err := Up(ctx, env, UpOptions{Service: "api"})
	if err != nil {
		t.Fatal(err)
	}
	if address := up.Jobs[0].Address; !strings.HasPrefix(address, host+"/rewrite-services/v1/") {
		t.Errorf("it answers at %s", address)
	}
	response, err := http.Get(up.Jobs[0].Address)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Errorf("the address answers %v, %v", response, err)
	} else {
		_ = response.Body.Close()
	}
	if again, err := Up(ctx, env, UpOptions{Service: "api"}); err != nil || again.Jobs[0].UUID != up.Jobs[0].UUID {
		t.Errorf("up again: %+v, %v", again, err)
	}
	env.Now = func() time.Time { return time.Now().Add(76*time.Hour + 30*time.Minute) }
	for _, o := range []RunsOptions{{}, {Services: true}} {
		list, err := Runs(ctx, env, o)
		if err != nil || len(list.Runs) != 1 {
			t.Fatalf("%+v: %+v, %v", o, list, err)
		}
		if one := list.Runs[0]; one.Owner != "anna@desk" || one.GPUs != 2 || printer.Age(one.Age) != "3d 4h" || one.Address != up.Jobs[0].Address {
			t.Errorf("%+v lists %+v", o, one)
		}
	}
	if want := "started by anna@desk) has run for 3d 4h and holds 2 GPUs, for 306.0"; strings.Count(events.String(), want) != 2 {
		t.Errorf("nothing is said of the service that was forgotten:\n%s", events)
	}
	down, err := Down(ctx, env, DownOptions{Service: "api"})
	if err != nil || len(down.Jobs) != 1 || down.Jobs[0].Status != "stopped" {
		t.Errorf("down: %+v, %v", down, err)
	}
	if list, err := Runs(ctx, env, RunsOptions{Services: true}); err != nil || len(list.Runs) != 0 {
		t.Errorf("after down: %+v, %v", list, err)
	}
}
