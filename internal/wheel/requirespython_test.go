package wheel

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/source"
)

// TestAllows compares constraints with versions. Those of Poetry are from its documentation.
func TestAllows(t *testing.T) {
	for constraint, want := range map[string]string{
		"": "3.8.1 3.11.2 3.12.0 4.0.0", ">=3.12": "3.12.0 4.0.0", ">=3.8, <3.12": "3.8.1 3.11.2", "==3.11.*": "3.11.2", "~=3.11": "3.11.2 3.12.0",
		"^3.11": "3.11.2 3.12.0", "^3.8.1": "3.8.1 3.11.2 3.12.0", "~3.11": "3.11.2", "~3": "3.8.1 3.11.2 3.12.0", "3.11.2": "3.11.2", "3.11.*": "3.11.2",
		"*": "3.8.1 3.11.2 3.12.0 4.0.0", "~3.8 || ^3.12": "3.8.1 3.12.0", ">=3.8,<3.9 || >=4": "3.8.1 4.0.0", "^2.7|^3.12": "3.12.0", ">=3.11 <3.12": "3.11.2", ">= 3.8, < 3.12": "3.8.1 3.11.2", "=3.11.2": "3.11.2",
		"what is this": "3.8.1 3.11.2 3.12.0 4.0.0",
	} {
		var allowed []string
		for _, version := range []string{"3.8.1", "3.11.2", "3.12.0", "4.0.0"} {
			if allows(constraint, version) {
				allowed = append(allowed, version)
			}
		}
		if got := strings.Join(allowed, " "); got != want {
			t.Errorf("%q allows %s, want %s", constraint, got, want)
		}
	}
}

// A lock for another Python has markers that exclude all packages, so it is refused before anything is built.
func TestLockForAnotherPython(t *testing.T) {
	locks := map[string]string{
		"uv.lock":     "version = 1\nrevision = 3\nrequires-python = \"RANGE\"\n\n[[package]]\nname = \"story\"\nversion = \"1.0\"\nsource = { virtual = \".\" }\n",
		"pylock.toml": "lock-version = \"1.0\"\ncreated-by = \"uv\"\nrequires-python = \"RANGE\"\n",
		"poetry.lock": "# made by Poetry\npackage = []\n\n[metadata]\nlock-version = \"2.1\"\npython-versions = \"RANGE\"\ncontent-hash = \"0\"\n",
	}
	for lock, text := range locks {
		for constraint, refused := range map[string]bool{">=3.12": true, "^3.12": true, ">=3.11.4": false, ">=3.9,<3.12": false, ">=3.9,<3.11": true} {
			s := Spec{Name: "train", Dir: t.TempDir(), Lock: lock, Python: "3.11.2", CacheDir: t.TempDir()}
			for name, content := range map[string]string{lock: strings.Replace(text, "RANGE", constraint, 1), "pyproject.toml": "[project]\nname = \"story\"\nversion = \"1.0\"\n"} {
				if err := os.WriteFile(filepath.Join(s.Dir, name), []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			_, err := Key(s)
			wrong := new(source.Error)
			if !refused {
				if err != nil {
					t.Errorf("%s for Python %s: %v", lock, constraint, err)
				}
				continue
			}
			if !errors.As(err, &wrong) || wrong.File != lock || wrong.Line == 0 || !strings.Contains(err.Error(), "requires Python "+constraint+", and image train has Python 3.11.2") {
				t.Errorf("%s for Python %s: %v", lock, constraint, err)
			}
			if _, err := Resolve(t.Context(), s); !errors.As(err, &wrong) {
				t.Errorf("it resolves %s for Python %s: %v", lock, constraint, err)
			}
			s.Python = "" // which base it will be is not known
			if _, err := Key(s); err != nil {
				t.Errorf("%s for Python %s with an unknown base: %v", lock, constraint, err)
			}
		}
	}
}
