package runs

import (
	"strings"
	"testing"
)

// TestShortBeginnings names runs by less than ids are looked up by: it is not said that
// none begins so, for one may.
func TestShortBeginnings(t *testing.T) {
	for name, want := range map[string]string{
		"86b": "has no run called 86b; the beginning of an id has at least 4 digits", "A": "at least 4 digits",
		"86b6": "none whose id begins so", "tr": "none whose id begins so",
	} {
		if err := noRun("p", name); !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
