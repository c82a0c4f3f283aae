package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/slipway-ci/slipway/internal/testenv"
)

// act runs a workflow of the working directory by act, as for a push to GitHub: act WORKFLOW. The
// action is this checkout's, and finds this slipway as its release. Steps see the job's variables
// (GIVEN_ACTIONS_...), the secret GCP_SA_KEY, and how the story reaches Google.
func act(t *testing.T, ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: act WORKFLOW")
	}
	dir := filepath.Join(ts.Getenv("WORK"), ".act")
	repo, source, checkout := ts.MkAbs("."), filepath.Join(dir, "action"), filepath.Join(dir, "checkout")
	release(t, ts, source)
	writeFile(ts, filepath.Join(checkout, "action.yml"), "name: checkout\nruns: {using: composite, steps: [{shell: bash, run: rmdir \"$GITHUB_WORKSPACE\" && ln -s '"+repo+"' \"$GITHUB_WORKSPACE\"}]}\n")
	options := []string{
		"push", "-W", args[0], "--bind", "--no-skip-checkout", "-P", "ubuntu-latest=-self-hosted", "--no-cache-server", "-s", "GCP_SA_KEY",
		"--local-repository", "slipway-ci/slipway@v1=" + source, "--local-repository", "actions/checkout@v4=" + checkout,
	}
	for _, name := range []string{"SSL_CERT_FILE", "HTTPS_PROXY", "CLOUDSDK_AUTH_TOKEN_HOST", "CLOUDSDK_API_ENDPOINT_OVERRIDES_STS", "CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINER", "CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER"} {
		options = append(options, "--env", name+"="+ts.Getenv(name))
	}
	for _, name := range []string{"ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"} {
		options = append(options, "--env", name+"="+ts.Getenv("GIVEN_"+name))
	}
	ts.Setenv("XDG_CACHE_HOME", filepath.Join(dir, "cache"))
	err := ts.Exec(testenv.Act(t), options...)
	if out := ts.ReadFile("stdout"); err != nil || !strings.Contains(out, "Job succeeded") {
		ts.Fatalf("act: %v", err)
	}
}

// release writes a checkout of the action whose release is the slipway of the story's PATH. In place
// of the sources it has one file in each directory.
func release(t *testing.T, ts *testscript.TestScript, dir string) {
	root := ts.Getenv("ROOT")
	for _, name := range []string{"action.yml", "action/install.sh", "go.mod", "go.sum"} {
		writeFile(ts, filepath.Join(dir, name), ts.ReadFile(filepath.Join(root, name)))
	}
	for _, name := range []string{"cmd", "internal", "tasks", "polyaxon", "workflows", "examples"} {
		writeFile(ts, filepath.Join(dir, name, "file"), "")
	}
	sources, err := exec.CommandContext(t.Context(), "bash", filepath.Join(dir, "action", "install.sh"), "sources", dir).Output()
	ts.Check(err)
	for _, one := range filepath.SplitList(ts.Getenv("PATH")) {
		if text, err := os.ReadFile(filepath.Join(one, "slipway")); err == nil {
			writeFile(ts, filepath.Join(dir, "action", "digests.txt"), fmt.Sprintf("%s  v9.9.9/sources\n%x  v9.9.9/linux/%s\n", strings.TrimSpace(string(sources)), sha256.Sum256(text), runtime.GOARCH))
			return
		}
	}
	ts.Fatalf("no slipway on PATH")
}

func writeFile(ts *testscript.TestScript, path, text string) {
	ts.Check(errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)))
}
