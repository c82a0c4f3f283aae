package atomicfile

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestWrite(t *testing.T) {
	for name, write := range map[string]func(string, []byte, os.FileMode) error{"Write": Write, "WriteSync": WriteSync} {
		dir := t.TempDir()
		path := filepath.Join(dir, "file")
		for _, text := range []string{"first", "second"} {
			if err := write(path, []byte(text), 0o640); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if got, err := os.ReadFile(path); err != nil || string(got) != text {
				t.Errorf("%s: the file has %q, %v", name, got, err)
			}
		}
		if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o640 {
			t.Errorf("%s: the mode is %v, %v", name, info.Mode(), err)
		}
		// A directory cannot be replaced. Nothing is left then.
		if err := os.MkdirAll(filepath.Join(dir, "full", "inner"), 0o755); err != nil {
			t.Fatal(err)
		}
		if write(filepath.Join(dir, "full"), nil, 0o600) == nil {
			t.Errorf("%s replaced a directory", name)
		}
		if write(filepath.Join(dir, "missing", "file"), nil, 0o600) == nil {
			t.Errorf("%s wrote below a directory that does not exist", name)
		}
		if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
			t.Errorf("%s left %v, %v", name, entries, err)
		}
	}
}
