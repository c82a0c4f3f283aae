package lint

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/testenv"
)

// FuzzCheck checks that no text breaks the rules or their fixes, and that a fixed file is
// not fixed again.
func FuzzCheck(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("testdata", "*", "*", "bad.yml"))
	if err != nil {
		f.Fatal(err)
	}
	more, err := filepath.Glob(filepath.Join("testdata", "fix", "*"))
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range append(files, more...) {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 10_000 {
			return
		}
		file, _ := file.Load("f.yml", text)
		for _, found := range Check(t.Context(), file, examples) {
			if found.Rule == "" || found.Severity == "" || found.Message == "" {
				t.Errorf("a finding is not described: %+v", found)
			}
		}
		fixed := Fix(t.Context(), "f.yml", text, Options{})
		if again := Fix(t.Context(), "f.yml", fixed.Text, Options{}); !bytes.Equal(again.Text, fixed.Text) {
			t.Errorf("mended once:\n%s\nand twice:\n%s", fixed.Text, again.Text)
		}
	})
}

// TestHuge checks that files made to be slow are checked in time, with some of their
// problems found.
func TestHuge(t *testing.T) {
	const head = "version: 1.1\nkind: component\nrun:\n  kind: job\n  container:\n    image: a:1\n    args:\n"
	var names, block strings.Builder
	count := 12_000
	if testenv.Thorough() {
		count = 60_000
	}
	for i := range count {
		fmt.Fprintf(&names, "    - \"{{ a%d }}\"\n", i)
		fmt.Fprintf(&block, "      {{ b%d }}\n", i)
	}
	dag := "version: 1.1\nkind: component\nrun:\n  kind: dag\n  operations:\n"
	nested := ""
	for depth := range 12 {
		pad := strings.Repeat("      ", depth)
		nested += pad + "  - name: o\n" + pad + "    component:\n" + pad + "      run:\n" + pad + "        kind: dag\n" + pad + "        operations:\n"
	}
	for name, text := range map[string]string{
		"names":    head + names.String(),
		"block":    head + "    - |\n" + block.String(),
		"amounts":  head + "    - \"{{ x }}\"\n    resources: {limits: {memory: 1e-999999999, cpu: \"1e999999999\"}}\n",
		"comments": strings.Repeat("# slipway:ignore nothing\n", 2*count) + head + "    - \"{{ x }}\"\n",
		"nested":   dag + nested,
	} {
		t.Run(name, func(t *testing.T) {
			started := time.Now()
			file, _ := file.Load("f.yml", []byte(text))
			found := Check(t.Context(), file, Options{})
			if len(found) == 0 || len(found) > maxFindings {
				t.Errorf("%d findings", len(found))
			}
			t.Logf("%d findings in %s", len(found), time.Since(started))
		})
	}
}
