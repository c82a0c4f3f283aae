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

// TestFromTheGuide checks that guide.txtar runs each command of docs/from-the-guide.md as it is
// printed there, on a cluster, and that the command succeeds. Words in capitals stand for any word.
func TestFromTheGuide(t *testing.T) {
	root := testenv.Root(t)
	page, err := os.ReadFile(filepath.Join(root, "docs", "from-the-guide.md"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "cmd", "slipway", "testdata", "guide.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	story, _, _ := strings.Cut(string(text), "\n-- ")
	commands := regexp.MustCompile("`(slipway [^`]*)`")
	rows := 0
	for line := range strings.Lines(string(page)) {
		if strings.HasPrefix(line, "| ") && !strings.HasPrefix(line, "| with other tools |") {
			rows++
			cells := strings.Split(line, " | ")
			if right := cells[len(cells)-1]; len(cells) != 2 || !commands.MatchString(right) && !strings.HasPrefix(right, "nothing: ") {
				t.Errorf("a row says neither a command nor why none is needed: %s", line)
			}
		}
		for _, m := range commands.FindAllStringSubmatch(line, -1) {
			if !runLine(m[1]).MatchString(story) {
				t.Errorf("guide.txtar does not run `%s`", m[1])
			}
			if !slices.ContainsFunc(Table(), func(c Command) bool { return strings.HasPrefix(m[1]+" ", "slipway "+c.Name+" ") }) {
				t.Errorf("there is no command %s", m[1])
			}
		}
	}
	if rows < 25 {
		t.Errorf("found %d rows", rows)
	}
}

// runLine matches the line of a story that runs a command, also in the background, and demands that
// it succeeds.
func runLine(command string) *regexp.Regexp {
	words := regexp.MustCompile(`\b[A-Z]{2,}\b`).ReplaceAllString(regexp.QuoteMeta(command), `\S+`) // a user's own word
	return regexp.MustCompile(`(?m)^exec (sh -c 'exec )?` + words + `( 2>\w+' &\w+&)?$`)
}
