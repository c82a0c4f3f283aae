package devtools

import (
	"go/ast"
	"go/token"
	"go/types"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/testenv"
)

// readsErrorText lists the functions that decide by the text of an error or of a message,
// with the reason. All others must decide by types, with errors.Is, errors.As or a field.
var readsErrorText = map[string]string{
	"internal/cluster.asBadRequest":                       "the API server has no reason for it",
	"internal/cluster.ofPlugin":                           "client-go has no type for it",
	"internal/dockerfile.position":                        "BuildKit before 0.8 has the line in the text only",
	"internal/dockerfile.refusesConnection":               "BuildKit's errors come over gRPC",
	"internal/github.Error.forbidden":                     "GitHub has no code for it",
	"internal/github.refusal":                             "GitHub's second limit has no header for it",
	"internal/google.APIError.says":                       "Google's refusals have no field for it",
	"internal/google.disabled":                            "older services have the project in the text only",
	"internal/google.lacking":                             "older services have the permission in the text only",
	"internal/google/secretmanager.stateOf":               "Secret Manager's refusal has no field for it",
	"internal/image.reportsFullDisk":                      "the go command only prints it",
	"internal/job.positionOf":                             "Polyaxon's message is a text; it finds the position",
	"internal/polyaxon.CompileErrorOf":                    "Polyaxon's condition has no field for it",
	"internal/polyaxonfile/lint.pass.reportCompilerError": "the compiler's errors are Polyaxon's texts; it finds the position",
	"internal/run.conditionFailure":                       "Polyaxon's condition has no field for it",
	"internal/run.namesPullError":                         "the container's status has no field for it",
	"internal/run.reportsFailedPull":                      "the event has no field for it",
	"internal/storage.Permission":                         "Cloud Storage has the permission in the text only",
	"internal/storage.Scope":                              "Cloud Storage has no reason of its own for it",
	"internal/advice.Cause":                               "the kubelet's messages are texts only",
	"internal/source/syntax.Split":                        "the YAML library has no type for errors of syntax",
	"internal/wheel.download.explain":                     "pip only prints it",
	"internal/wheel.download.explainAllMissing":           "pip only prints it",
	"internal/wheel.download.explainBuild":                "pip only prints it",
	"internal/wheel.refusedBy":                            "pip only prints it",
	"internal/wheel.lastLines":                            "it shortens what a program prints",
	"internal/wheel.lacksExport":                          "the program only prints it",
	"internal/wheel.namesAddress":                         "uv only prints it",
}

var (
	// comparing matches the functions that compare or search a text.
	comparing = regexp.MustCompile(`^(strings|bytes)\.(Contains|Has|Cut|Index|LastIndex|EqualFold|Count)|\.(Match|Find)\w*$`)
	// errorText matches expressions that contain the text of an error or a message.
	errorText = regexp.MustCompile(`\.Error\(\)|\.Message\b|\b(message|stderr|output)\b`)
)

// TestErrorsAreToldApartByType checks that only the functions in readsErrorText decide by
// the text of an error.
func TestErrorsAreToldApartByType(t *testing.T) {
	met := map[string]bool{}
	all, set := testenv.Sources(t)
	for _, file := range all {
		if strings.HasSuffix(path.Dir(file.Path), "test") {
			continue // a package for tests
		}
		for _, declaration := range file.File.Decls {
			where := path.Dir(file.Path)
			if function, ok := declaration.(*ast.FuncDecl); ok {
				where += "." + functionName(function)
			}
			for _, at := range decisionsByText(declaration) {
				if met[where] = true; readsErrorText[where] == "" {
					t.Errorf("%s: %s decides by the text of an error: use errors.Is, errors.As or a field", set.Position(at), where)
				}
			}
		}
	}
	for name := range readsErrorText {
		if !met[name] {
			t.Errorf("%s does not decide by the text of an error any more", name)
		}
	}
}

// functionName returns the name of a function, with the type of its receiver.
func functionName(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return f.Name.Name
	}
	receiver := f.Recv.List[0].Type
	if pointer, ok := receiver.(*ast.StarExpr); ok {
		receiver = pointer.X
	}
	return types.ExprString(receiver) + "." + f.Name.Name
}

// decisionsByText returns the positions at which the text of an error is compared or
// searched. Cutting a text at its line breaks is not a decision.
func decisionsByText(n ast.Node) []token.Pos {
	texts := textsOfErrors(n)
	isText := func(e ast.Expr) bool {
		named, ok := e.(*ast.Ident)
		return ok && texts[named.Name] || errorText.MatchString(types.ExprString(e))
	}
	var found []token.Pos
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if comparing.MatchString(types.ExprString(n.Fun)) && slices.ContainsFunc(n.Args, isText) && !slices.ContainsFunc(n.Args, isLineBreak) {
				found = append(found, n.Pos())
			}
		case *ast.BinaryExpr:
			if (n.Op == token.EQL || n.Op == token.NEQ) && (isText(n.X) && isWords(n.Y) || isText(n.Y) && isWords(n.X)) {
				found = append(found, n.Pos())
			}
		case *ast.SwitchStmt:
			if n.Tag != nil && isText(n.Tag) {
				found = append(found, n.Pos())
			}
		}
		return true
	})
	return found
}

// textsOfErrors returns the variables to which the text of an error is assigned.
func textsOfErrors(n ast.Node) map[string]bool {
	texts := map[string]bool{}
	ast.Inspect(n, func(n ast.Node) bool {
		if a, ok := n.(*ast.AssignStmt); ok && len(a.Lhs) == len(a.Rhs) {
			for i, value := range a.Rhs {
				if named, ok := a.Lhs[i].(*ast.Ident); ok && strings.HasSuffix(types.ExprString(value), ".Error()") {
					texts[named.Name] = true
				}
			}
		}
		return true
	})
	return texts
}

func isWords(e ast.Expr) bool {
	text, ok := e.(*ast.BasicLit)
	return ok && text.Kind == token.STRING && text.Value != `""`
}

func isLineBreak(e ast.Expr) bool {
	text, ok := e.(*ast.BasicLit)
	return ok && (text.Value == `"\n"` || text.Value == `'\n'`)
}
