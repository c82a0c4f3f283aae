package sandbox_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestAttackersListIsTested checks that each line of the lists in docs/security.md, of promises
// and of attacks, names existing tests or stories.
func TestAttackersListIsTested(t *testing.T) {
	text, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	_, list, ok := strings.Cut(string(text), "## Where the promises are tested")
	if !ok {
		t.Fatal("docs/security.md has no such list")
	}
	there := map[string]bool{}
	function := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	err = filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && strings.HasPrefix(entry.Name(), ".") && entry.Name() != "..":
			return filepath.SkipDir
		case strings.HasSuffix(path, ".txtar"):
			there[entry.Name()] = true
		case strings.HasSuffix(path, "_test.go"):
			code, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, match := range function.FindAllStringSubmatch(string(code), -1) {
				there[match[1]] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	named := regexp.MustCompile("`(Test\\w+|\\w+\\.txtar)`")
	for line := range strings.Lines(list) {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| attack") || strings.HasPrefix(line, "| promise") {
			continue
		}
		rows++
		columns := strings.Split(strings.TrimSpace(line), " | ")
		names := named.FindAllStringSubmatch(columns[len(columns)-1], -1)
		if len(names) == 0 || slices.ContainsFunc(names, func(match []string) bool { return !there[match[1]] }) {
			t.Errorf("this line names a test that is not there, or none: %s", line)
		}
	}
	if rows < 5 {
		t.Errorf("the list has %d lines", rows)
	}
}
