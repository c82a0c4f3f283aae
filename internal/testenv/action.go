package testenv

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
)

// ActionRelease writes a checkout of the action to a directory. Its release is a program, for this
// machine. The checkout has one file in place of each directory of sources, as act copies all of it
// for each step.
func ActionRelease(t testing.TB, dir, program string) {
	t.Helper()
	files := map[string]string{}
	for _, name := range []string{"action.yml", "action/install.sh", "go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(Root(t), filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(text)
	}
	for _, name := range []string{"cmd", "internal", "tasks", "polyaxon", "workflows", "examples"} {
		files[name+"/file"] = ""
	}
	write := func(name, text string) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range files {
		write(name, text)
	}
	sources, err := exec.CommandContext(t.Context(), "bash", filepath.Join(dir, "action", "install.sh"), "sources", dir).Output()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	write("action/digests.txt", fmt.Sprintf("%s  v9.9.9/sources\n%x  v9.9.9/linux/%s\n", strings.TrimSpace(string(sources)), sha256.Sum256(text), runtime.GOARCH))
}

// LinkedCheckout writes an action that stands for actions/checkout in act to a directory. It makes
// the workspace a link to repo, so that what a job leaves there is there for the next one.
func LinkedCheckout(t testing.TB, dir, repo string) {
	t.Helper()
	text := "name: checkout\nruns: {using: composite, steps: [{shell: bash, run: rmdir \"$GITHUB_WORKSPACE\" && ln -s '" + repo + "' \"$GITHUB_WORKSPACE\"}]}\n"
	if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, "action.yml"), []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
}
