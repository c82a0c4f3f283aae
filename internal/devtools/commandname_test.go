package devtools

import (
	"go/ast"
	"go/token"
	"path"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/testenv"
)

// TestNothingKnowsCommands checks that no code decides by the name of a command: only its row
// in the table knows it.
func TestNothingKnowsCommands(t *testing.T) {
	all, set := testenv.Sources(t)
	compared := 0
	for _, file := range all {
		if path.Dir(file.Path) == "internal/command" || strings.HasSuffix(file.Path, "_test.go") {
			continue
		}
		ast.Inspect(file.File, func(n ast.Node) bool {
			operands := []ast.Expr{}
			switch n := n.(type) {
			case *ast.BinaryExpr:
				if n.Op == token.EQL || n.Op == token.NEQ {
					operands = append(operands, n.X, n.Y)
				}
			case *ast.SwitchStmt:
				if n.Tag != nil {
					operands = append(operands, n.Tag)
				}
			}
			for _, operand := range operands {
				compared++
				if s, ok := operand.(*ast.SelectorExpr); ok && s.Sel.Name == "Command" && comparesText(n) {
					t.Errorf("%s: decides by the name of a command; decide by what the Result or the options say", set.Position(n.Pos()))
				}
			}
			return true
		})
	}
	if compared < 1000 {
		t.Errorf("only %d operands were looked at: the test does not see the sources", compared)
	}
}

// comparesText reports whether a comparison or a switch has a text other than "".
func comparesText(n ast.Node) (found bool) {
	ast.Inspect(n, func(n ast.Node) bool {
		if text, ok := n.(*ast.BasicLit); ok && text.Kind == token.STRING && text.Value != `""` {
			found = true
		}
		return true
	})
	return found
}
