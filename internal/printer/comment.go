package printer

import (
	"fmt"
	"net/url"
	"strings"
	"unicode/utf16"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/tasks/report"
)

// Comment is the comment of a pull request: one for each project, directory and environment,
// with a part for each command that ran for a commit.
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

// part matches the part of a command. Nothing in a part looks like its limits (see harmless).
var part = lazyregexp.New(`(?s)<!-- slipway:part ([a-z-]+(?: [a-z-]+)*) ([0-9a-f]*) -->\n(.*?)\n<!-- slipway:end -->`)

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
	for _, old := range part.FindAllStringSubmatch(before, 20) {
		if old[1] == r.Command || old[2] != c.Commit || characters(old[0])+1 > left {
			continue
		}
		left -= characters(old[0]) + 1
		parts = append(parts, old[0])
	}
	return head + strings.Join(parts, "\n")
}

// part returns the part of a command, with the sections of its summary that fit into limit.
func (c Comment) part(r *report.Result, mask func(string) string, limit int) string {
	const omitted = "\n\nThe rest is in the log."
	sections := Summary(r)
	sections[0] = "###" + strings.TrimPrefix(sections[0], "##") + c.origin()
	begin, end := fmt.Sprintf("<!-- slipway:part %s %s -->\n", r.Command, c.Commit), "\n<!-- slipway:end -->"
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
