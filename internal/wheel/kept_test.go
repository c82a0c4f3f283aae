package wheel

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
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

// TestVerifiedNotesAreOfThisMachine has a cache that came with a note of other hashes
// than a wheel's files have.
func TestVerifiedNotesAreOfThisMachine(t *testing.T) {
	file, wheel := recipe{name: "six", version: "1.17.0", files: map[string]string{"six.py": "x = 1\n"}}.make(t)
	w := put(t, "six", "1.17.0", file, wheel)
	before, err := layWheels(t, w)
	if err != nil {
		t.Fatal(err)
	}
	note := w.path + verifiedSuffix
	text, err := os.ReadFile(note)
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(text), "\n")
	other := strings.Repeat("0", 64) + list[64:]
	if err := os.WriteFile(note, fmt.Appendf(nil, "%x\n%s", sha256.Sum256([]byte(other)), other), 0o600); err != nil {
		t.Fatal(err)
	}
	after, err := layWheels(t, w)
	if err != nil || len(after.Layers) != len(before.Layers) || after.Layers[0].Fingerprint != before.Layers[0].Fingerprint {
		t.Errorf("the planted note is believed: %v", err)
	}
}

// TestDeepDocuments has a lock whose parser would use up its stack.
func TestDeepDocuments(t *testing.T) {
	var into map[string]any
	if err := unmarshal([]byte("version = 1\nx = "+strings.Repeat("[", 10_000_000)), &into); err == nil || !strings.Contains(err.Error(), "brackets are open") {
		t.Errorf("%v", err)
	}
	if err := unmarshal([]byte("[[package]]\nx = [[[{y = 1}]]]\n"), &into); err != nil {
		t.Error(err)
	}
}
