package testenv

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// Source is a parsed Go source file of slipway.
type Source struct {
	// Path is the path from the root of the repository, with slashes.
	Path string
	File *ast.File
}

// Sources returns the Go sources of the repository, sorted by their paths, and the set of
// their positions. It leaves out tests, test data and this package.
func Sources(t testing.TB) ([]Source, *token.FileSet) {
	t.Helper()
	root, set := Root(t), token.NewFileSet()
	var all []Source
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		switch {
		case entry.IsDir() && path != root && (name == "testdata" || name == "testenv" || strings.HasPrefix(name, ".")):
			return fs.SkipDir
		case entry.IsDir() || filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		below, err := filepath.Rel(root, path)
		all = append(all, Source{filepath.ToSlash(below), file})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all, set
}
