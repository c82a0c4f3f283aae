package main

import (
	"os"
	"path/filepath"
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
	testenv.ActionRelease(t, source, installed(ts))
	testenv.LinkedCheckout(t, checkout, repo)
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

// installed returns the path of the slipway of the story's PATH.
func installed(ts *testscript.TestScript) string {
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		path := filepath.Join(dir, "slipway")
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	ts.Fatalf("no slipway on PATH")
	return ""
}
