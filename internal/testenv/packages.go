package testenv

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// packageLine matches a line of the list of packages in docs/architecture.md.
var packageLine = regexp.MustCompile(`(?m)^    ([a-z0-9/]+) +\S`)

// Packages returns the directories that docs/architecture.md lists, with their positions in
// the list, from top to bottom.
func Packages(t testing.TB) map[string]int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(Root(t), "docs", "architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(text), "## Packages")
	list, _, _ = strings.Cut(list, "\n## ")
	places := map[string]int{}
	for n, match := range packageLine.FindAllStringSubmatch(list, -1) {
		places[match[1]] = n
	}
	return places
}
