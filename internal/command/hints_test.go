package command

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestHintsNameCommands checks that what messages tell users to type exists: each text of
// the sources with "slipway WORD" names a command of the table, with flags that it has, or
// is a sentence about slipway. The name of a command stands in its row; a hint that a
// renamed command leaves behind fails here.
func TestHintsNameCommands(t *testing.T) {
	// The words that follow slipway in sentences. A sentence with another word adds it.
	prose := strings.Fields(`adds already and applied applies as at builds can cannot could creates did does for has is itself
		knows lets listen makes may must needs never of on outside passes put reads requires resolves service started starts still
		submits supports takes to uses v waits was wrote says`)
	hint := regexp.MustCompile("\\bslipway ([a-z][a-z-]*(?: [^\\s`:;,|#)]+)*)")
	table := Table()
	root := filepath.Join("..", "..")
	seen := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			literal, is := n.(*ast.BasicLit)
			if !is || literal.Kind != token.STRING {
				return true
			}
			text, err := strconv.Unquote(literal.Value)
			if err != nil {
				return true
			}
			for _, match := range hint.FindAllStringSubmatch(text, -1) {
				words := strings.Fields(match[1])
				if slices.Contains(prose, words[0]) {
					continue
				}
				seen++
				if problem := wrongHint(table, words); problem != "" {
					t.Errorf("%s: slipway %s: %s", files.Position(literal.Pos()), match[1], problem)
				}
			}
			return true
		})
		return nil
	})
	if err != nil || seen < 100 {
		t.Errorf("%d hints were read (%v)", seen, err)
	}
}

// wrongHint returns what is wrong with the words that follow slipway in a message, or "".
func wrongHint(table []Command, words []string) string {
	var command *Command
	for i := range table {
		name := strings.Fields(table[i].Name)
		if len(name) <= len(words) && slices.Equal(name, words[:len(name)]) && (command == nil || len(table[i].Name) > len(command.Name)) {
			command = &table[i]
		}
	}
	if command == nil {
		return "is not a command; if it is a sentence, add its verb to prose"
	}
	for _, word := range words {
		name, _, _ := strings.Cut(strings.TrimRight(word, ".)"), "=")
		if !strings.HasPrefix(name, "-") {
			continue
		}
		flags := append(command.shared(sharedFlags()), command.Task.flags...)
		if !slices.ContainsFunc(flags, func(f flag) bool { return "--"+f.Name == name || f.Short != "" && "-"+f.Short == name }) {
			return "has no flag " + name
		}
	}
	return ""
}
