package wheel

import (
	"path/filepath"
	"testing"
)

// TestKeptExportsAreOfThisMachine has an export that came with the tree.
func TestKeptExportsAreOfThisMachine(t *testing.T) {
	name := filepath.Join(t.TempDir(), "export", "key.txt")
	if err := writeKept(name, []byte("six==1.17.0\n")); err != nil {
		t.Fatal(err)
	}
	if text, err := readKept(name); err != nil || string(text) != "six==1.17.0\n" {
		t.Errorf("%q %v", text, err)
	}
	for _, planted := range []string{"evil==1\n", "\nevil==1\n", "00\nevil==1\n"} {
		if err := writeFile(name, []byte(planted)); err != nil {
			t.Fatal(err)
		}
		if text, err := readKept(name); err == nil {
			t.Errorf("%q is believed", text)
		}
	}
}
