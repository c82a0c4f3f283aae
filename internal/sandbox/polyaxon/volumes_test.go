package polyaxon

import (
	"strings"
	"testing"
)

// TestVolumesHaveSeparateDirectories checks that similar names get different
// directories, also on case-insensitive file systems, and that no name leads elsewhere.
func TestVolumesHaveSeparateDirectories(t *testing.T) {
	of := map[string]string{}
	for _, name := range []string{"data", "a.b", "a_b", "a-b", "A-b", "/data", "data/", "/a/b", "/a_b", "..", ".", "/", "", "../data", "é", "ü"} {
		dir := safe(name)
		if other, taken := of[strings.ToLower(dir)]; taken {
			t.Errorf("%q and %q share %s", name, other, dir)
		}
		of[strings.ToLower(dir)] = name
		if dir == "" || strings.Trim(dir, ".") == "" || strings.ContainsAny(dir, `/\:`) {
			t.Errorf("%q is %q", name, dir)
		}
	}
	if safe("polyaxon-v1-data") != "polyaxon-v1-data" {
		t.Error("a claim's directory has not the claim's name")
	}
}
