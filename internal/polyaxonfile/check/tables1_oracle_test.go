package check

import (
	"path/filepath"
	"testing"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/polyaxonfiletest"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
	"github.com/slipway-ci/slipway/internal/testenv"
)

// TestTablesAgreeWithTheParserOfPolyaxon1 is TestTablesAgreeWithThePolyaxonParser for
// 1.11.3.
func TestTablesAgreeWithTheParserOfPolyaxon1(t *testing.T) {
	agree(t, schema.Version{Major: 1, Minor: 11, Patch: 3}, 500, polyaxonfiletest.TableDifferences1(), func(texts []string, verdicts any) {
		testenv.Oracle111(t, filepath.Join("testdata", "verdicts1.py"), texts, verdicts)
	})
}
