package polyaxonfile

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/testbed"
)

// TestTablesAgreeWithTheParserOfPolyaxon1 is TestTablesAgreeWithThePolyaxonParser
// for 1.11.3.
func TestTablesAgreeWithTheParserOfPolyaxon1(t *testing.T) {
	tries := tries(t, version1)
	if !testbed.Thorough() {
		tries = sample(tries, 1000)
	}
	texts := make([]string, len(tries))
	for i, x := range tries {
		texts[i] = x.text
	}
	var verdicts []string
	testbed.Oracle1(t, filepath.Join("testdata", "schema", "verdicts1.py"), texts, &verdicts)
	wrong := 0
	for i, x := range tries {
		f, problems := Load("f.yml", []byte(x.text))
		problems = append(problems, f.Validate(version1)...)
		var refused []string
		for _, p := range problems {
			if p.Stage == StageSubmit && p.Severity == SeverityError {
				refused = append(refused, p.Message)
			}
		}
		if (len(refused) > 0) == (verdicts[i] != "") {
			continue
		}
		wrong++
		t.Errorf("%s = %s\n  slipway: %s\n  Polyaxon: %.200s", x.key, x.value, strings.Join(refused, "; "), strings.ReplaceAll(verdicts[i], "\n", " | "))
	}
	t.Logf("%d of %d differ", wrong, len(tries))
}
