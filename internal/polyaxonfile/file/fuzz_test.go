package file_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/check"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/polyaxonfiletest"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
)

// FuzzLoad checks that reading terminates for any text, that each problem has a position
// in the text, that the values can be encoded as JSON, and that every version can check
// them.
func FuzzLoad(f *testing.F) {
	seeds, err := filepath.Glob(filepath.Join("..", "lint", "testdata", "lint", "*", "*.yml"))
	if err != nil || len(seeds) == 0 {
		f.Fatal(seeds, err)
	}
	for _, seed := range seeds {
		text, err := os.ReadFile(seed)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	for _, seed := range []string{
		polyaxonfiletest.Train, `{"kind": "operation", "component": {"run": {"kind": "service", "ports": [1]}}, "params": {"x": 1}}`,
		"a: &a [*a]\n", "<<: {a: 1}\n<<: [{b: 2}, {c: 3}]\n", "a: &x {b: 1}\nc: *x\n", "? [a]\n: b\n", "a:\tb\n", "\ufeffa: 1\n", "on: 1\ntrue: 2\n",
		"a: !!set {b}\n", "a: 2021-13-01\n", "a: |\n  b\n", "%YAML 1.1\n---\na: 1\n...\n", "a: 'b\n", "\r!0", "run: {kind: dag, operations: [{dagRef: a}], components: [{name: a}]}\n",
		"matrix: {kind: grid, params: {a: {kind: range, value: '0:10:2'}}}\nrunPatch: {container: {image_pull_policy: Always}}\ncomponent: {run: {kind: job}}\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		read, problems := file.Load("f.yml", []byte(text))
		for _, version := range []schema.Version{{}, {Major: 1, Minor: 11, Patch: 3}, schema.Newest()} {
			problems = append(problems, check.Validate(read, version)...)
		}
		lines := file.Lines([]byte(text))
		for _, p := range problems {
			if p.File != "f.yml" || p.Line < 1 || p.Line > len(lines) || p.Message == "" || p.Name == "" || p.Stage == "" || p.Severity == "" {
				t.Errorf("of %d lines: %+v", len(lines), p)
			}
			read.Comments(p.Position)
		}
		if read.Root() == nil || file.Errors(problems) != nil {
			return
		}
		if _, err := json.Marshal(read.Root()); err != nil {
			t.Error(err)
		}
	})
}

// TestLineBreaksAreThoseOfYAML checks that a position's line is found also with the line
// breaks of YAML 1.1 that editors no longer use.
func TestLineBreaksAreThoseOfYAML(t *testing.T) {
	for _, end := range []string{"\n", "\r\n", "\r", "\u0085", "\u2028", "\u2029"} {
		file, problems := file.Load("f.yml", []byte("version: 1.1"+end+"kind: component"+end+"run: {kind: jobb}"+end))
		problems = append(problems, check.Validate(file, schema.Newest())...)
		if len(problems) != 1 || problems[0].Line != 3 || file.Line(problems[0].Position) != "run: {kind: jobb}" {
			t.Errorf("with %q: %+v", end, problems)
		}
	}
}
