//go:build unix

package machine

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestPlantedSecret has a secret where slipway keeps its own that is none: it came with a working tree in which HOME
// is, so that whoever wrote it could make authentication codes, or it leads elsewhere.
func TestPlantedSecret(t *testing.T) {
	known := bytes.Repeat([]byte("x"), secretSize)
	for name, plant := range map[string]func(path string) error{
		"as git checks it out": func(path string) error { return errors.Join(os.WriteFile(path, known, 0o600), os.Chmod(path, 0o644)) },
		"for a group":          func(path string) error { return errors.Join(os.WriteFile(path, known, 0o600), os.Chmod(path, 0o640)) },
		"a link": func(path string) error {
			return errors.Join(os.WriteFile(path+".known", known, 0o600), os.Symlink(path+".known", path))
		},
	} {
		home := t.TempDir()
		t.Setenv("HOME", home)
		t.Setenv("XDG_CONFIG_HOME", filepath.Join(home, ".config"))
		dir := filepath.Join(home, ".config", "slipway")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, secretFile)
		if err := plant(path); err != nil {
			t.Fatal(err)
		}
		code, err := MAC("subject", nil)
		if planted := new(OwnerError); !errors.As(err, &planted) || planted.Path != path {
			t.Errorf("%s: %s, %v", name, code, err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if code, err := MAC("subject", nil); err != nil || len(code) != 64 {
			t.Errorf("%s: then %s, %v", name, code, err)
		}
	}
}
