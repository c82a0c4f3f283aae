package devtools

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/testenv"
)

const (
	root   = "../.."
	module = "github.com/slipway-ci/slipway"
)

// packageOf returns the entry of packages that dir is in, or "" if there is none.
func packageOf(packages map[string]int, dir string) string {
	for ; dir != "."; dir = path.Dir(dir) {
		if _, ok := packages[dir]; ok {
			return dir
		}
	}
	return ""
}

// TestImportsGoDown checks that packages import only those below them in
// docs/architecture.md.
func TestImportsGoDown(t *testing.T) {
	order := testenv.Packages(t)
	seen := map[string]bool{}
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(relative)
		switch {
		case d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && name != "."):
			return fs.SkipDir
		case d.IsDir() || path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") || path.Dir(name) == ".":
			return nil
		}
		from := packageOf(order, path.Dir(name))
		for _, dir := range strings.Split(path.Dir(name), "/") {
			if dir == "testenv" || dir == "devtools" || strings.HasSuffix(dir, "test") {
				return nil // packages for tests may import any package
			}
		}
		if from == "" {
			t.Errorf("%s is in no package of docs/architecture.md", name)
			return nil
		}
		seen[from] = true
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range parsed.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			dir, ours := strings.CutPrefix(imported, module+"/")
			if to := packageOf(order, dir); ours && order[to] < order[from] {
				t.Errorf("%s imports %s, which is above %s in docs/architecture.md", name, imported, from)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for pkg := range order {
		if !seen[pkg] && pkg != "examples/quickstart" {
			t.Errorf("docs/architecture.md has the package %s, and the sources do not", pkg)
		}
	}
}

// TestRunnerStartsFast checks that mage.go, which `go run` builds at each call, imports nothing that is large: the
// go command looks through all of it before it finds that nothing has changed.
func TestRunnerStartsFast(t *testing.T) {
	t.Chdir(testenv.Root(t))
	listed, err := output(t.Context(), "go", "list", "-deps", "mage.go")
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Fields(listed)
	if len(all) < 50 || slices.Contains(all, "net/http") || slices.Contains(all, "github.com/magefile/mage/mage") {
		t.Errorf("mage.go imports %d packages: %v", len(all), all)
	}
}
