package polyaxon_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/polyaxon/polyaxontest"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
	"github.com/slipway-ci/slipway/internal/sandbox/sandboxtest"
	"github.com/slipway-ci/slipway/internal/testenv"
)

func TestRealPolyaxon(t *testing.T) {
	polyaxontest.Contract(t, polyaxontest.Server{
		Client: connect(t, testenv.Polyaxon(t)), Namespace: "polyaxon", Version: schema.Version{Major: 2, Minor: 18},
		Image: "none", Program: []string{program(t)}, Pipelines: true,
	})
}

// TestEverybodyIsTrusted forges a run as a program in a cluster can: the community edition asks for no token, and
// accepts what docs/security.md says that slipway cannot tell.
func TestEverybodyIsTrusted(t *testing.T) {
	client := connect(t, testenv.Polyaxon(t))
	if err := client.EnsureProject(t.Context(), "forged"); err != nil {
		t.Fatal(err)
	}
	const operation = `{"version": 1.1, "kind": "operation", "component": {"version": 1.1, "kind": "component", "run": {"kind": "job", "container": {"image": "none", "command": ["true"]}}}}`
	made, err := client.CreateRun(t.Context(), "forged", polyaxon.CreateRun{Content: operation, Name: "train", MetaInfo: map[string]any{"slipway": "k-1"}, Pending: polyaxon.PendingApproval})
	if err != nil {
		t.Fatal(err)
	}
	err = client.Patch(t.Context(), "forged", made.UUID, polyaxon.Patch{MetaInfo: map[string]any{"slipway": "k-2", "slipway_gate": "met"}, Outputs: map[string]any{"val_acc": 1}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := client.Run(t.Context(), "forged", made.UUID)
	if err != nil || r.MetaInfo["slipway"] != "k-2" || r.MetaInfo["slipway_gate"] != "met" || r.Outputs["val_acc"] != 1.0 {
		t.Errorf("%+v, %v: the server has refused what a job writes", r, err)
	}
}

func TestPolyaxon111(t *testing.T) {
	polyaxontest.Contract(t, polyaxontest.Server{
		Client: connect(t, sandboxtest.Polyaxon(t, "1.11.3", program(t))), Namespace: sandboxtest.Namespace, Version: schema.Version{Major: 1, Minor: 11, Patch: 3},
		Image: "none", Program: []string{sandboxtest.Program}, Services: true,
	})
}

func connect(t *testing.T, host string) *polyaxon.Client {
	t.Helper()
	client, err := polyaxon.New(polyaxon.Options{Host: host})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// program builds the program that the runs of the tests start.
func program(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "job.exe")
	build := exec.Command("go", "build", "-o", path, "../../cmd/slipway/testdata/job")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the job: %v\n%s", err, out)
	}
	return path
}
