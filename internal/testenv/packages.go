package testenv

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// packageLine matches a line of the list of packages in docs/architecture.md.
var packageLine = regexp.MustCompile(`(?m)^    (  )?([a-z0-9/]+) +\S`)

// Packages returns the directories that docs/architecture.md lists, with their positions in
// the list, from top to bottom. An indented one is a subdirectory of the last one that is
// not.
func Packages(t testing.TB) map[string]int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(Root(t), "docs", "architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(text), "## Packages")
	list, _, _ = strings.Cut(list, "\n## ")
	places := map[string]int{}
	above := ""
	for n, match := range packageLine.FindAllStringSubmatch(list, -1) {
		name := match[2]
		if match[1] != "" {
			name = path.Join(above, name)
		} else {
			above = name
		}
		places[name] = n
	}
	return places
}
