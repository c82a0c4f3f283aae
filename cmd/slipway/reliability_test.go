package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/testenv"
)

// TestPromisesHaveTests checks that the tests and stories that docs/reliability.md names
// exist, and that each promise names one.
func TestPromisesHaveTests(t *testing.T) {
	root := testenv.Root(t)
	page, err := os.ReadFile(filepath.Join(root, "docs", "reliability.md"))
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && strings.HasPrefix(entry.Name(), "."):
			return fs.SkipDir
		case strings.HasSuffix(path, ".txtar"):
			relative, err := filepath.Rel(filepath.Join(root, "cmd", "slipway", "testdata"), path)
			there[filepath.ToSlash(relative)] = true
			return err
		case strings.HasSuffix(path, "_test.go"):
			text, err := os.ReadFile(path)
			for _, match := range declared.FindAllSubmatch(text, -1) {
				there[string(match[1])] = true
			}
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, match := range regexp.MustCompile("`(Test\\w+|[\\w/]+\\.txtar)`").FindAllStringSubmatch(string(page), -1) {
		if !there[match[1]] {
			t.Errorf("docs/reliability.md names %s, which is not there", match[1])
		}
	}
	promises := regexp.MustCompile(`(?m)^\| (\d+) \|.*\|$`).FindAllStringSubmatch(string(page), -1)
	if len(promises) != 11 {
		t.Errorf("docs/reliability.md has %d promises, not 11", len(promises))
	}
	for _, row := range promises {
		if !strings.Contains(row[0], "`Test") && !strings.Contains(row[0], ".txtar`") && !strings.Contains(row[0], "not built yet") {
			t.Errorf("promise %s has no test", row[1])
		}
	}
}
