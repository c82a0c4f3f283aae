package debian

import (
	"strings"
	"testing"
)

// TestLongField reads a field of as many lines as a paragraph may have. In time that grows with the
// square of their number, it would take hours.
func TestLongField(t *testing.T) {
	t.Parallel()
	lines := strings.Repeat(" x\n", maxParagraph/3-10)
	err := readParagraphs(strings.NewReader("Package: a\nDescription: b\n"+lines+"Version: 1\n"), nil, func(p paragraph) error {
		if p["package"] != "a" || len(p["description"]) != 1+len(lines)/3*2 || p["version"] != "1" {
			t.Errorf("%q, %d bytes, %q", p["package"], len(p["description"]), p["version"])
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
