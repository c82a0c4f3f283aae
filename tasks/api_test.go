package tasks_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/tasks"
)

var update = flag.Bool("update-api", false, "write the exported names into testdata/api.txt")

// public lists the packages that other modules import.
var public = []string{"polyaxon", "tasks", "tasks/cli", "tasks/exit", "tasks/mage", "tasks/report"}

// TestAPI compares the exported API with its listing, and rejects types of internal packages
// in it.
func TestAPI(t *testing.T) {
	var listing strings.Builder
	for _, name := range public {
		fmt.Fprintf(&listing, "package %s\n\n", name)
		for _, declaration := range exported(t, filepath.Join("..", name)) {
			fmt.Fprintln(&listing, declaration)
		}
		fmt.Fprintln(&listing)
	}
	path := filepath.Join("testdata", "api.txt")
	if *update {
		if err := os.WriteFile(path, []byte(listing.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if listing.String() != string(want) {
		t.Errorf("the API is another than in %s: when that is meant, write it with go test ./tasks -run TestAPI -update-api\n%s", path, listing.String())
	}
}

// TestErrors looks for each exported error in the table of docs/api.md, with its exit code, and
// among the names of package tasks.
func TestErrors(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "docs", "api.md"))
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]bool{}
	for _, err := range []error{
		&tasks.RunError{Status: "failed"}, &tasks.ArtifactError{}, &tasks.RolloutError{}, &tasks.UsageError{}, &tasks.ProblemsError{}, &tasks.TimeLimitError{},
		&tasks.PendingError{}, &tasks.UnschedulableError{}, &tasks.GateError{}, &tasks.ChangesError{}, &tasks.InterruptedError{},
	} {
		name := strings.TrimPrefix(fmt.Sprintf("%T", err), "*exit.")
		rows[name] = strings.Contains(string(page), fmt.Sprintf("\n| `*tasks.%s` | %d |", name, tasks.ExitCode(err)))
	}
	rows["ChecksError"] = strings.Contains(string(page), "\n`*tasks.ChecksError` says")
	for _, declaration := range exported(t, "exit") {
		name, isType := strings.CutPrefix(declaration, "type ")
		if name, _, isError := strings.Cut(name, "Error struct"); isType && isError && !rows[name+"Error"] {
			t.Errorf("docs/api.md does not say what %sError is, or its exit code", name)
		}
	}
}

// exported returns the exported declarations of the package in dir, sorted, without comments
// and bodies.
func exported(t *testing.T, dir string) []string {
	t.Helper()
	set := token.NewFileSet()
	packages, err := parser.ParseDir(set, dir, func(f fs.FileInfo) bool { //nolint:staticcheck // one package of one directory
		return !strings.HasSuffix(f.Name(), "_test.go")
	}, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, p := range packages {
		for name, file := range p.Files {
			ast.FileExports(file)
			inner := map[string]bool{}
			for _, spec := range file.Imports {
				path, err := strconv.Unquote(spec.Path.Value)
				if err != nil {
					t.Fatal(err)
				}
				imported := path[strings.LastIndex(path, "/")+1:]
				if spec.Name != nil {
					imported = spec.Name.Name
				}
				inner[imported] = strings.Contains(path, "/internal/")
			}
			for _, declaration := range file.Decls {
				if function, ok := declaration.(*ast.FuncDecl); ok {
					if !ast.IsExported(receiver(function)) {
						continue
					}
					function.Body, function.Doc = nil, nil
				}
				if general, ok := declaration.(*ast.GenDecl); ok && general.Tok == token.IMPORT {
					continue
				}
				ast.Inspect(declaration, func(n ast.Node) bool {
					if selector, ok := n.(*ast.SelectorExpr); ok {
						if of, ok := selector.X.(*ast.Ident); ok && inner[of.Name] {
							t.Errorf("%s: %s.%s is internal, and stands in an exported declaration", name, of.Name, selector.Sel.Name)
						}
					}
					return true
				})
				strip(declaration)
				var b bytes.Buffer
				if err := format.Node(&b, set, declaration); err != nil {
					t.Fatal(err)
				}
				if text := b.String(); text != "" {
					all = append(all, text)
				}
			}
		}
	}
	slices.Sort(all)
	return all
}

// receiver returns the name of a method's receiver type, "Function" for a function.
func receiver(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return "Function"
	}
	of := f.Recv.List[0].Type
	if pointer, ok := of.(*ast.StarExpr); ok {
		of = pointer.X
	}
	if name, ok := of.(*ast.Ident); ok {
		return name.Name
	}
	return ""
}

// strip removes comments, values, and tags other than json from a declaration. The other tags
// are how the command line looks, which the golden list of commands holds.
func strip(n ast.Node) {
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GenDecl:
			n.Doc = nil
		case *ast.TypeSpec:
			n.Doc, n.Comment = nil, nil
		case *ast.ValueSpec:
			n.Doc, n.Comment = nil, nil
		case *ast.Field:
			n.Doc, n.Comment = nil, nil
			if n.Tag != nil && !strings.HasPrefix(n.Tag.Value, "`json:") {
				n.Tag = nil
			}
		}
		return true
	})
}

// ExampleExitCode shows how an error becomes an exit code.
func ExampleExitCode() {
	err := fmt.Errorf("nightly: %w", &tasks.RunError{Job: "train", UUID: "0123", Status: "failed", Message: "exit code 1"})
	fmt.Println(tasks.ExitCode(err), err)
	// Output: 1 nightly: job train: run 0123 failed: exit code 1
}

// progress is a sink that records the messages of events.
type progress struct{ done []string }

// Event implements tasks.Sink.
func (p *progress) Event(e tasks.Event) { p.done = append(p.done, e.Message) }

// ExampleCheck checks a Polyaxonfile and reads the findings from the result.
func ExampleCheck() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	text := "version: 1.1\nkind: component\nrun:\n  kind: job\n  container: {image: 'python:3.12', comand: [python]}\n"
	if err := os.WriteFile(filepath.Join(dir, "train.yml"), []byte(text), 0o600); err != nil {
		panic(err)
	}
	env := &tasks.Env{Dir: dir, Events: &progress{}, Lookup: os.LookupEnv}
	result, err := tasks.Check(context.Background(), env, tasks.CheckOptions{Version: "2.18"})
	for _, p := range result.Problems {
		fmt.Printf("line %d: %s: %s\n", p.Line, p.Severity, p.Hint)
	}
	fmt.Println(tasks.ExitCode(err))
	// Output:
	// line 5: error: did you mean command?
	// 2
}
