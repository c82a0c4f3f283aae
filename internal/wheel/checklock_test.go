package wheel

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/source"
)

// TestCheckLockReadsTheProject checks which pyproject.toml uv and poetry refuse beside their locks, as Poetry 2.5
// was seen to do.
func TestCheckLockReadsTheProject(t *testing.T) {
	const poetry = "[tool.poetry.dependencies]\nsix = \"*\"\n"
	for _, c := range []struct{ lock, project, want string }{
		{"poetry.lock", poetry, "it has no name and no version of the project, without which poetry does not read poetry.lock"},
		{"poetry.lock", "[project]\nname = \"x\"\ndynamic = [\"version\"]\n" + poetry, "it has no version of the project"},
		{"poetry.lock", "[project]\nname = \"x\"\ndynamic = [\"version\"]\n[tool.poetry]\nversion = \"1\"\n[tool.poetry.dependencies]\n", ""},
		{"poetry.lock", "[tool.poetry]\nname = \"x\"\nversion = \"1\"\n" + poetry, ""},
		{"poetry.lock", "[tool.poetry]\npackage-mode = false\n" + poetry, ""},
		{"uv.lock", "[project]\nname = \"x\"\n", "it has no version of the project, without which uv does not read uv.lock"},
		{"uv.lock", "[project]\nname = \"x\"\ndynamic = [\"version\"]\n", ""},
		{"uv.lock", "[tool.uv.workspace]\nmembers = [\"a\"]\n", ""},
	} {
		s := Spec{Name: "train", Dir: t.TempDir(), Lock: c.lock}
		for name, text := range map[string]string{"pyproject.toml": c.project, c.lock: "version = 1\n"} {
			if err := os.WriteFile(filepath.Join(s.Dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := CheckLock(s); c.want == "" && err != nil || c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), "pyproject.toml: "+c.want)) {
			t.Errorf("%s with %s: %v", c.lock, c.project, err)
		}
	}
}

// TestCompileRefusesAddresses locks packages from addresses with a program that says what uv says of them. The credentials
// of the addresses are not shown.
func TestCompileRefusesAddresses(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the program that stands for uv is a script")
	}
	for says, want := range map[string]string{
		"echo 'error: Failed to download and build `lib @ git+https://me:s3cret@git.example.com/lib.git`' >&2; exit 1": "requirements.txt: a package is taken from an address, and cannot be locked:\nFailed to download and build `lib @ git+https://***@git.example.com/lib.git`",
		"echo 'lib @ git+https://me:s3cret@git.example.com/lib.git@0a1b'":                                              "requirements.txt: its lock could not be used: lib is taken from a path or URL, which cannot be locked by version and hash",
	} {
		bin := t.TempDir()
		if err := os.WriteFile(filepath.Join(bin, "uv"), []byte("#!/bin/sh\n"+says+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		_, err := Compile(t.Context(), t.TempDir(), "requirements.txt", "3.12", nil, []string{"PATH=" + bin + ":/bin:/usr/bin"})
		if wrong := new(source.Error); !errors.As(err, &wrong) || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", says, err)
		}
	}
}
