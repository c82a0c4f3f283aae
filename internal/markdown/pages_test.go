package markdown

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestPagesAreNarrow checks that the lines of all pages, generated or not, are under 120
// columns. What a command printed may be wider: it is in a code block without a language.
func TestPagesAreNarrow(t *testing.T) {
	root := filepath.Join("..", "..")
	pages, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil || len(pages) < 10 {
		t.Fatal(pages, err)
	}
	for _, page := range append(pages, filepath.Join(root, "README.md"), filepath.Join(root, "CONTRIBUTING.md")) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		fenced, printed := false, false
		for n, line := range strings.Split(string(text), "\n") {
			if language, fence := strings.CutPrefix(strings.TrimSpace(line), "```"); fence {
				fenced = !fenced
				printed = fenced && language == ""
			}
			if width := utf8.RuneCountInString(line); width >= 120 && !printed {
				t.Errorf("%s:%d: a line of %d columns", filepath.Base(page), n+1, width)
			}
		}
	}
}
