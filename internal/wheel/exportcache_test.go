package wheel

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestExportsOfAnotherMachineAreIgnored refuses a cached export that came with the working
// tree.
func TestExportsOfAnotherMachineAreIgnored(t *testing.T) {
	name := filepath.Join(t.TempDir(), "export", "key.txt")
	if err := writeExport(name, []byte("six==1.17.0\n")); err != nil {
		t.Fatal(err)
	}
	if text, err := readExport(name); err != nil || string(text) != "six==1.17.0\n" {
		t.Errorf("%q %v", text, err)
	}
	for _, planted := range []string{"evil==1\n", "\nevil==1\n", "00\nevil==1\n"} {
		if err := writeFile(name, []byte(planted)); err != nil {
			t.Fatal(err)
		}
		if text, err := readExport(name); err == nil {
			t.Errorf("%q is believed", text)
		}
	}
}

// TestDeepDocuments parses a lock that would overflow the parser's stack.
func TestDeepDocuments(t *testing.T) {
	var into map[string]any
	if err := unmarshal([]byte("version = 1\nx = "+strings.Repeat("[", 10_000_000)), &into); err == nil || !strings.Contains(err.Error(), "nested brackets") {
		t.Errorf("%v", err)
	}
	if err := unmarshal([]byte("[[package]]\nx = [[[{y = 1}]]]\n"), &into); err != nil {
		t.Error(err)
	}
}
