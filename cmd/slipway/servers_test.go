package main

import (
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/slipway-ci/slipway/internal/sandbox/kubernetes"
	"github.com/slipway-ci/slipway/internal/sandbox/registry"
	"github.com/slipway-ci/slipway/internal/sandbox/sandboxtest"
)

// TestStoriesOnServers runs the stories of testdata/servers three times: on the sandbox,
// on a server of Polyaxon 1.11.3 (the sandbox's, running outside of it), and on a real
// 2.18. The 2.18 server runs containers as processes of this machine. There the stories'
// job is a program on disk, whose path is in PROGRAM. It starts in the artifacts
// directory of its run, and AT is the path of that directory.
func TestStoriesOnServers(t *testing.T) {
	t.Parallel()
	dir, program := filepath.Join("testdata", "servers"), filepath.Join(t.TempDir(), "job")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./testdata/job")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the job: %v\n%s", err, out)
	}
	t.Run("sandbox", func(t *testing.T) {
		t.Parallel()
		stories(t, dir, func(env *testscript.Env) error {
			for name, value := range map[string]string{"PROGRAM": "/app/job", "HOST": "http://unused.invalid", "REGISTRY": "unused.invalid", "KUBE": "unused"} {
				env.Setenv(name, value)
			}
			return nil
		})
	})
	t.Run("1.11.3", func(t *testing.T) {
		t.Parallel()
		host := sandboxtest.Polyaxon(t, "1.11.3", program)
		stories(t, dir, func(env *testscript.Env) error { return elsewhere(env, host, sandboxtest.Program, "") })
	})
	t.Run("2.18", func(t *testing.T) {
		t.Parallel()
		host := shared.Polyaxon(t)
		stories(t, dir, func(env *testscript.Env) error { return elsewhere(env, host, program, ".") })
	})
}

// elsewhere makes a story deploy to the server at host, with a registry and a cluster of
// its own. program is the path of its job, and at the path of the artifacts of its run.
func elsewhere(env *testscript.Env, host, program, at string) error {
	images, err := registry.New(filepath.Join(env.WorkDir, ".registry"), io.Discard)
	if err != nil {
		return err
	}
	objects, err := kubernetes.New(filepath.Join(env.WorkDir, ".kubernetes"), "polyaxon-v1")
	if err != nil {
		return err
	}
	if err := addCredentials(objects, "polyaxon-v1"); err != nil {
		return err
	}
	pushed, cluster := httptest.NewServer(images), httptest.NewServer(objects)
	env.Defer(pushed.Close)
	env.Defer(cluster.Close)
	kubeconfig := filepath.Join(env.WorkDir, ".kubeconfig")
	if err := os.WriteFile(kubeconfig, fmt.Appendf(nil, stagedKubeconfig, cluster.URL), 0o600); err != nil {
		return err
	}
	for name, value := range map[string]string{
		"SLIPWAY_ENV": "elsewhere", "PROGRAM": program, "AT": at, "HOST": host, "REGISTRY": pushed.Listener.Addr().String() + "/stories", "KUBE": kubeconfig,
	} {
		env.Setenv(name, value)
	}
	return nil
}
