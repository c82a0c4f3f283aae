package lazyregexp_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/testenv"
)

// TestAllAreValid compiles every expression of the sources, because a program compiles one
// only when it uses it.
func TestAllAreValid(t *testing.T) {
	found := 0
	set := token.NewFileSet()
	for _, dir := range []string{"internal", "tasks"} {
		err := filepath.WalkDir(filepath.Join(testenv.Root(t), dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
				return err
			}
			file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok || len(call.Args) != 1 {
					return true
				}
				function, ok := call.Fun.(*ast.SelectorExpr)
				if !ok || function.Sel.Name != "New" {
					return true
				}
				if of, ok := function.X.(*ast.Ident); !ok || of.Name != "lazyregexp" {
					return true
				}
				found++
				if literal, ok := call.Args[0].(*ast.BasicLit); ok {
					text, err := strconv.Unquote(literal.Value)
					if err == nil {
						_, err = regexp.Compile(text)
					}
					if err != nil {
						t.Errorf("%s: %v", set.Position(call.Pos()), err)
					}
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if found < 100 {
		t.Errorf("only %d expressions are found", found)
	}
}
