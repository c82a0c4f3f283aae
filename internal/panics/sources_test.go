package panics

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// exempt are sources that are no part of slipway as it ships, and this package.
var exempt = regexp.MustCompile(`_test\.go$|/(testbed|workshop|panics|polyaxontest|clustertest|testdata|\.cache|\.slipway)/|/mage\.go$|/magefile\.go$|/examples/`)

// TestSourcesStartGoroutinesInOneWay has no goroutine started whose panic would end
// the process, or be lost.
func TestSourcesStartGoroutinesInOneWay(t *testing.T) {
	root, seen := filepath.Join("..", ".."), 0
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || exempt.MatchString("/"+filepath.ToSlash(path)) {
			if entry != nil && entry.IsDir() && strings.HasPrefix(entry.Name(), ".") && path != root && entry.Name() != ".." {
				return fs.SkipDir
			}
			return err
		}
		seen++
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				t.Errorf("%s: a go statement: panics.Go has its panic told", files.Position(n.Pos()))
			case *ast.SelectorExpr:
				if name, ok := n.X.(*ast.Ident); ok && (name.Name == "sync" && n.Sel.Name == "WaitGroup" || name.Name == "errgroup") {
					t.Errorf("%s: %s.%s: package panics has one that keeps panics", files.Position(n.Pos()), name.Name, n.Sel.Name)
				}
			}
			return true
		})
		return nil
	})
	if err != nil || seen < 200 {
		t.Errorf("%d sources: %v", seen, err)
	}
}
