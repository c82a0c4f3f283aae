package scaffold

import (
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/survey"
	"github.com/slipway-ci/slipway/tasks/exit"
)

// TestWriteRefused writes into a directory in which nobody can make files, not even root.
func TestWriteRefused(t *testing.T) {
	p := &Plan{Repository: &survey.Repository{Root: "/sys"}, Files: []File{{Path: "slipway.yaml", Text: "a: 1\n"}}}
	err := p.Write()
	if err == nil || exit.Code(err) != exit.Usage || !strings.Contains(err.Error(), "/sys: nothing can be written here: ") || !strings.Contains(err.Error(), "work in a copy of it") {
		t.Error(err)
	}
}
