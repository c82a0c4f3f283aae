package devtools

import (
	"go/ast"
	"go/token"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/command"
	"github.com/slipway-ci/slipway/internal/testenv"
)

// outsideOfTheTable are the files that may have the name of a command or of its target as
// arguments.
var outsideOfTheTable = map[string]string{
	"tasks/mage/targets.go": "generated from the table",
	"tasks/cli/app.go":      "the default of Self, for targets of users; TestServer compares it with the table",
}

// TestNothingKnowsCommands checks that no code decides by the name of a command, starts a
// command by its name, or reads a command line: only the row of a command in the table knows
// its name.
func TestNothingKnowsCommands(t *testing.T) {
	all, set := testenv.Sources(t)
	names := namesOfCommands()
	seen := 0
	for _, file := range all {
		if path.Dir(file.Path) == "internal/command" || strings.HasSuffix(file.Path, "_test.go") {
			continue
		}
		ast.Inspect(file.File, func(n ast.Node) bool {
			if n == nil {
				return false
			}
			seen++
			switch {
			case decidesByCommand(n):
				t.Errorf("%s: decides by the name of a command; decide by what the Result or the options say", set.Position(n.Pos()))
			case slices.Contains(names, arguments(n)) && outsideOfTheTable[file.Path] == "":
				t.Errorf("%s: has the arguments of the command %s; only its row in the table knows them", set.Position(n.Pos()), arguments(n))
			case readsCommandLine(n):
				t.Errorf("%s: reads the command line of this program; each program has another form", set.Position(n.Pos()))
			}
			return true
		})
	}
	if seen < 100_000 || len(names) < 20 {
		t.Errorf("only %d nodes were looked at, for %d names: the test does not see the sources", seen, len(names))
	}
}

// namesOfCommands returns the commands of more than one word, with spaces, and the names of
// their targets. A single word, such as deploy, has other meanings.
func namesOfCommands() (names []string) {
	for _, c := range command.Table() {
		if strings.Contains(c.Name, " ") {
			names = append(names, c.Name, strings.ReplaceAll(c.Name, " ", ":"))
		}
	}
	return names
}

// arguments returns the texts of a list of texts, such as []string{"cluster", "token"}, with
// spaces between. It returns "" for another node.
func arguments(n ast.Node) string {
	list, ok := n.(*ast.CompositeLit)
	if !ok {
		return ""
	}
	var words []string
	for _, element := range list.Elts {
		literal, ok := element.(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			return ""
		}
		word, err := strconv.Unquote(literal.Value)
		if err != nil {
			return ""
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

// readsCommandLine reports whether n calls a function of package strings or slices with the
// Self or the Plugin of an Env.
func readsCommandLine(n ast.Node) bool {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return false
	}
	function, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	if of, ok := function.X.(*ast.Ident); !ok || of.Name != "strings" && of.Name != "slices" || function.Sel.Name == "Join" {
		return false
	}
	for _, argument := range call.Args {
		if has(argument, func(n ast.Node) bool {
			s, ok := n.(*ast.SelectorExpr)
			return ok && (s.Sel.Name == "Self" || s.Sel.Name == "Plugin")
		}) {
			return true
		}
	}
	return false
}

// decidesByCommand reports whether n compares the Command of a Result with a text other than
// "".
func decidesByCommand(n ast.Node) bool {
	var operands []ast.Expr
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
		if s, ok := operand.(*ast.SelectorExpr); ok && s.Sel.Name == "Command" {
			return has(n, func(n ast.Node) bool {
				text, ok := n.(*ast.BasicLit)
				return ok && text.Kind == token.STRING && text.Value != `""`
			})
		}
	}
	return false
}

// has reports whether n or a node in it is accepted.
func has(n ast.Node, accept func(ast.Node) bool) (found bool) {
	ast.Inspect(n, func(n ast.Node) bool {
		found = found || n != nil && accept(n)
		return !found
	})
	return found
}
