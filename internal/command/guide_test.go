package command

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/testenv"
)

// TestFromTheGuide checks that each command of docs/from-the-guide.md exists, and that a
// story runs it. What the page says of clusters, secrets and images is run as it is printed, on a
// cluster (guide.txtar).
func TestFromTheGuide(t *testing.T) {
	root := testenv.Root(t)
	page, err := os.ReadFile(filepath.Join(root, "docs", "from-the-guide.md"))
	if err != nil {
		t.Fatal(err)
	}
	var stories strings.Builder
	for _, pattern := range []string{"*.txtar", "*/*.txtar"} {
		files, err := filepath.Glob(filepath.Join(root, "cmd", "slipway", "testdata", pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			stories.Write(text)
		}
	}
	guide, err := os.ReadFile(filepath.Join(root, "cmd", "slipway", "testdata", "guide.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	jobs := strings.Index(string(page), "## Jobs and services")
	for _, m := range regexp.MustCompile("(?m)^\\|.*\\| `(slipway [^`]*)`").FindAllStringSubmatch(string(page[:jobs]), -1) {
		if !regexp.MustCompile(`\b` + m[1] + `( 2>log.*| HEAD v1)?\n`).Match(guide) {
			t.Errorf("guide.txtar does not run `%s`", m[1])
		}
	}
	found := 0
	for _, m := range regexp.MustCompile("`slipway ([a-z ]+[a-z])").FindAllStringSubmatch(string(page), -1) {
		found++
		if !slices.ContainsFunc(Table(), func(c Command) bool { return c.Name == m[1] }) {
			t.Errorf("there is no command slipway %s", m[1])
		}
		if !strings.Contains(stories.String(), "slipway "+m[1]) {
			t.Errorf("no story runs slipway %s", m[1])
		}
	}
	if found < 20 {
		t.Errorf("found %d commands", found)
	}
}
