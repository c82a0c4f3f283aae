//go:build unix

package actions_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/slipway-ci/slipway/internal/testenv"
)

// TestReleaseMovesV1 runs the step of slipway's own release that moves the tag v1, in a repository
// with several releases. Only the newest one moves it. gh refuses to change a tag that is not there,
// and writes what it was asked.
func TestReleaseMovesV1(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(testenv.Root(t), ".github", "workflows", "release.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var workflow struct {
		Jobs map[string]struct {
			Steps []struct{ If, Run string }
		}
	}
	if err := yaml.Unmarshal(text, &workflow); err != nil {
		t.Fatal(err)
	}
	script := ""
	for _, step := range workflow.Jobs["release"].Steps {
		if strings.Contains(step.Run, "refs/tags/v1") {
			script = step.Run
		}
	}
	dir := t.TempDir()
	run := func(name string, args ...string) {
		t.Helper()
		c := exec.CommandContext(t.Context(), name, args...)
		c.Dir = dir
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%s %v: %v\n%s", name, args, err, out)
		}
	}
	run("git", "init", "-q")
	run("git", "-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-q", "--allow-empty", "-m", "t")
	for _, tag := range []string{"v1", "v1.2.0", "v1.9.1", "v1.10.0", "v1.11.0-rc.1", "v2.0.0"} {
		run("git", "tag", tag)
	}
	gh := "#!/bin/sh\necho \"$*\" >>asked\ncase \"$*\" in *PATCH*) [ -n \"$V1_EXISTS\" ] ;; esac\n"
	if err := os.WriteFile(filepath.Join(dir, "gh"), []byte(gh), 0o755); err != nil {
		t.Fatal(err)
	}
	const patch, create = "api --silent --method PATCH repos/slipway-ci/slipway/git/refs/tags/v1 -f sha=0a1b -F force=true\n", "api --silent repos/slipway-ci/slipway/git/refs -f ref=refs/tags/v1 -f sha=0a1b\n"
	for _, test := range []struct{ tag, exists, want string }{
		{"v1.10.0", "yes", patch},
		{"v1.10.0", "", patch + create},
		{"v1.9.1", "yes", ""},
	} {
		asked := filepath.Join(dir, "asked")
		_ = os.Remove(asked)
		c := exec.CommandContext(t.Context(), "bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script)
		c.Dir = dir
		c.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "GITHUB_REPOSITORY=slipway-ci/slipway", "GITHUB_SHA=0a1b", "GITHUB_REF_NAME="+test.tag, "V1_EXISTS="+test.exists)
		out, err := c.CombinedOutput()
		if got, _ := os.ReadFile(asked); err != nil || string(got) != test.want {
			t.Errorf("%s: %v\n%s\ngh was asked %q, want %q", test.tag, err, out, got, test.want)
		}
	}
}
