package devtools

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/testenv"
)

// TestWithoutRaceStartsNoGoroutines checks that the race detector could find nothing in the
// packages that are tested without it, and that every package is tested.
func TestWithoutRaceStartsNoGoroutines(t *testing.T) {
	t.Chdir(testenv.Root(t))
	files, err := filepath.Glob(withoutRace + "*/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, name := range files {
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if startsGoroutine(n) {
				t.Errorf("%s starts a goroutine: its package is to be tested with the race detector", set.Position(n.Pos()))
			}
			return true
		})
	}
	single, concurrent, err := splitByRace(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(single, module+"/internal/polyaxonfile/check") || !slices.Contains(concurrent, module+"/internal/pipeline") || slices.Contains(concurrent, module+"/cmd/slipway") {
		t.Errorf("without the race detector: %v, with it: %v", single, concurrent)
	}
	if concurrent[0] != module+"/tasks" {
		t.Errorf("%s is tested first", concurrent[0])
	}
}

// TestRacedTestsExist checks that each test that is run with the race detector is there.
func TestRacedTestsExist(t *testing.T) {
	dir := filepath.Join(testenv.Root(t), filepath.FromSlash(wholeProgram))
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	var tests string
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		tests += string(text)
	}
	names, stories, _ := strings.Cut(racedTests, "|^TestStories$/")
	for _, name := range regexp.MustCompile(`\w+`).FindAllString(names, -1) {
		if !strings.Contains(tests, "\nfunc "+name+"(t *testing.T) {") {
			t.Errorf("there is no test %s", name)
		}
	}
	for _, name := range regexp.MustCompile(`\w+`).FindAllString(stories, -1) {
		if _, err := os.Stat(filepath.Join(dir, "testdata", name+".txtar")); err != nil {
			t.Error(err)
		}
	}
}

// startsGoroutine reports whether n is a go statement, or a call such as group.Go(f) or
// time.AfterFunc(d, f).
func startsGoroutine(n ast.Node) bool {
	if call, is := n.(*ast.CallExpr); is {
		selector, is := call.Fun.(*ast.SelectorExpr)
		return is && slices.Contains([]string{"Go", "AfterFunc"}, selector.Sel.Name)
	}
	_, is := n.(*ast.GoStmt)
	return is
}
