package runs

import (
	"strings"
	"testing"
)

// TestShortPrefixes checks the error for a beginning of a UUID that is too short to be
// looked up. The error must not say that no UUID begins with it, because one may.
func TestShortPrefixes(t *testing.T) {
	for name, want := range map[string]string{
		"86b": "has no run named 86b; the beginning of an id needs at least 4 digits", "A": "at least 4 digits",
		"86b6": "none whose id begins with it", "tr": "none whose id begins with it",
	} {
		if err := notFound("p", name); !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
