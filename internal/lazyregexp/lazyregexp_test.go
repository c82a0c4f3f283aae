package lazyregexp_test

import (
	"go/ast"
	"go/types"
	"regexp"
	"strconv"
	"testing"

	"github.com/slipway-ci/slipway/internal/testenv"
)

// TestAllAreValid compiles every expression of the sources, because a program compiles one
// only when it uses it.
func TestAllAreValid(t *testing.T) {
	found := 0
	all, set := testenv.Sources(t)
	for _, file := range all {
		ast.Inspect(file.File, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) != 1 || types.ExprString(call.Fun) != "lazyregexp.New" {
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
	}
	if found < 100 {
		t.Errorf("only %d expressions are found", found)
	}
}

// TestNoneIsCompiledAtTheStart looks for expressions that every command would compile.
func TestNoneIsCompiledAtTheStart(t *testing.T) {
	all, set := testenv.Sources(t)
	for _, file := range all {
		for _, declaration := range file.File.Decls {
			variables, ok := declaration.(*ast.GenDecl)
			if !ok {
				continue
			}
			ast.Inspect(variables, func(n ast.Node) bool {
				if _, later := n.(*ast.FuncLit); later {
					return false
				}
				if call, ok := n.(*ast.CallExpr); ok && types.ExprString(call.Fun) == "regexp.MustCompile" {
					t.Errorf("%s: use lazyregexp.New", set.Position(call.Pos()))
				}
				return true
			})
		}
	}
}
