package printer

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/tasks/report"
)

// Comment is the comment of a pull request: one for each project, directory and environment,
// with a part for each command, and what it was asked for, that ran for a commit.
type Comment struct {
	// Project, Dir and Environment tell comments apart. Dir is relative to the repository.
	Project, Dir, Environment string
	// Commit is the commit that the command ran for, and Workflow the address of its log.
	Commit, Workflow string
	// Limit is how many characters the comment may have. Those that are two in UTF-16, such as
	// emoji, count as two.
	Limit int
}

// Marker returns the text by which the comment is found.
func (c Comment) Marker() string {
	return "<!-- slipway " + url.Values{"project": {c.Project}, "dir": {c.Dir}, "env": {c.Environment}}.Encode() + " -->"
}

// part matches the part of a command, as beginOf begins it.
// Nothing in a part looks like its limits (see harmless).
var part = lazyregexp.New(`(?s)<!-- slipway:part ([a-z-]+(?: [a-z-]+)*) ([0-9a-f]*)(?: [0-9a-f]+)? -->\n.*?\n<!-- slipway:end -->`)

// beginOf returns the begin of a part. The jobs of a workflow's matrix may run one command, each for other names.
func beginOf(command, commit string, names []string) string {
	if len(names) > 0 {
		sum := sha256.Sum256([]byte(strings.Join(slices.Sorted(slices.Values(names)), "\n")))
		commit += " " + hex.EncodeToString(sum[:8])
	}
	return fmt.Sprintf("<!-- slipway:part %s %s -->\n", command, commit)
}

// maxNames is how many names a title has.
const maxNames = 5

// maxParts is how many parts a comment keeps.
const maxParts = 50

// Render returns the text of the comment after a command, for the text that it had before. Parts
// of other commands for the same commit stay. mask masks secrets.
func (c Comment) Render(before string, r *report.Result, mask func(string) string) string {
	title := "## slipway: " + inline(c.Project)
	for _, more := range []string{c.Dir, c.Environment} {
		if more != "" && more != "." {
			title += ", " + inline(more)
		}
	}
	head := c.Marker() + "\n" + title + "\n"
	parts := []string{c.part(r, mask, c.Limit*3/4-characters(head))}
	left := c.Limit - characters(head) - characters(parts[0])
	begin := beginOf(r.Command, c.Commit, r.Names)
	for _, old := range part.FindAllStringSubmatch(before, maxParts) {
		if strings.HasPrefix(old[0], begin) || old[2] != c.Commit || characters(old[0])+1 > left {
			continue
		}
		left -= characters(old[0]) + 1
		parts = append(parts, old[0])
	}
	return head + strings.Join(parts, "\n")
}

// Shows reports whether a comment has what Render writes for a command: another process may have replaced it.
func (c Comment) Shows(now string, r *report.Result, mask func(string) string) bool {
	begin, rest, _ := strings.Cut(c.part(r, mask, c.Limit), "\n")
	title, _, _ := strings.Cut(rest, "\n")
	return strings.Contains(now, begin+"\n"+title)
}

// part returns the part of a command, with the sections of its summary that fit into limit.
func (c Comment) part(r *report.Result, mask func(string) string, limit int) string {
	const omitted = "\n\nThe rest is in the log."
	sections := Summary(r)
	title := "### slipway " + r.Command
	if len(r.Names) > 0 {
		title += " " + inline(source.ShortenList(r.Names, maxNames))
	}
	sections[0] = title + strings.TrimPrefix(sections[0], "## slipway "+r.Command) + c.origin()
	begin, end := beginOf(r.Command, c.Commit, r.Names), "\n<!-- slipway:end -->"
	limit -= len(begin) + len(end) + len(omitted)
	var b strings.Builder
	whole := true
	for n, section := range sections {
		section = harmless(mask(section))
		if n > 0 {
			section = "\n\n" + section
		}
		size := characters(section)
		if size > limit {
			whole = false
			continue
		}
		limit -= size
		b.WriteString(section)
	}
	if !whole {
		b.WriteString(omitted)
	}
	return begin + b.String() + end
}

// origin returns the commit, and a link to the log.
func (c Comment) origin() string {
	text := ""
	if c.Commit != "" {
		text += " at " + code(c.Commit[:min(12, len(c.Commit))])
	}
	if c.Workflow != "" {
		text += ", " + strings.Replace(link("log", c.Workflow), "`log`", "log", 1)
	}
	return text
}

// harmless returns Markdown that has no comment of HTML, so that it cannot end a part. In code, an
// entity of HTML would be shown as it is, so a zero-width space breaks the comment.
func harmless(text string) string { return strings.ReplaceAll(text, "<!--", "<\u200b!--") }

// characters returns how long a text is in UTF-16. GitHub does not say what it counts, and this is
// never less than the number of code points.
func characters(text string) (n int) {
	for _, r := range text {
		n += utf16.RuneLen(r)
	}
	return n
}
