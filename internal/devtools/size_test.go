package devtools

import (
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/testenv"
)

// Files are short: at most 350 lines, and 150 in tasks and its packages, which have no room for
// logic.
func TestFilesAreShort(t *testing.T) {
	sources, positions := testenv.Sources(t)
	for _, s := range sources {
		limit := 350
		switch {
		case s.Path == "tasks/mage/targets.go": // generated
			continue
		case strings.HasPrefix(s.Path, "tasks/"):
			limit = 150
		}
		if lines := positions.File(s.File.Pos()).LineCount(); lines > limit {
			t.Errorf("%s has %d lines, more than %d", s.Path, lines, limit)
		}
	}
}
