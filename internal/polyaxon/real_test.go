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
