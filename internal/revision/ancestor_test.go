package revision

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestIsAncestor asks whether commits are part of a branch, in a whole clone and in a shallow one,
// which cannot tell of commits that it lacks.
func TestIsAncestor(t *testing.T) {
	dir := repository(t)
	first := command(t, dir, "rev-parse", "HEAD")
	command(t, dir, "commit", "-q", "--allow-empty", "-m", "two")
	second := command(t, dir, "rev-parse", "HEAD")
	command(t, dir, "checkout", "-q", "-b", "other", first)
	command(t, dir, "commit", "-q", "--allow-empty", "-m", "three")
	other := command(t, dir, "rev-parse", "HEAD")
	command(t, dir, "checkout", "-q", "main")
	shallow := filepath.Join(t.TempDir(), "shallow")
	command(t, dir, "clone", "-q", "--depth=1", "file://"+filepath.ToSlash(dir), shallow)
	if IsShallow(t.Context(), dir, os.Environ()) || !IsShallow(t.Context(), shallow, os.Environ()) {
		t.Error("a shallow clone is not told from a whole one")
	}
	for _, test := range []struct {
		dir, commit, of string
		want            bool
	}{
		{dir, first, second, true},
		{dir, second, second, true},
		{dir, second, first, false},
		{dir, other, second, false},
		{dir, first, other, true},
		{dir, strings.Repeat("0", 40), second, false},
		{dir, first + "-dirty", second, false}, // a run of what was not committed
		{dir, first, "", false},
		{dir, "--help", second, false},
		{shallow, second, second, true},
		{shallow, first, second, false},
	} {
		if got := IsAncestor(t.Context(), test.dir, os.Environ(), test.commit, test.of); got != test.want {
			t.Errorf("in %s, %q of %q: %v", filepath.Base(test.dir), test.commit, test.of, got)
		}
	}
}
