package workshop

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/testenv"
)

const (
	root   = "../.."
	module = "github.com/slipway-ci/slipway"
)

// roomOf returns the entry of rooms that dir is in, or "" if there is none.
func roomOf(rooms map[string]int, dir string) string {
	for ; dir != "."; dir = path.Dir(dir) {
		if _, ok := rooms[dir]; ok {
			return dir
		}
	}
	return ""
}

// TestImportsGoDown checks that packages import only those below them in
// docs/architecture.md.
func TestImportsGoDown(t *testing.T) {
	order := testenv.Rooms(t)
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
		from := roomOf(order, path.Dir(name))
		for _, dir := range strings.Split(path.Dir(name), "/") {
			if dir == "testenv" || dir == "workshop" || strings.HasSuffix(dir, "test") {
				return nil // packages for tests may import any package
			}
		}
		if from == "" {
			t.Errorf("%s is in no room of docs/architecture.md", name)
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
			if to := roomOf(order, dir); ours && order[to] < order[from] {
				t.Errorf("%s imports %s, which is above %s in docs/architecture.md", name, imported, from)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for room := range order {
		if !seen[room] && room != "examples/quickstart" {
			t.Errorf("docs/architecture.md has the room %s, and the sources have none", room)
		}
	}
}
