package command

import (
	"fmt"
	"strings"

	"github.com/slipway-ci/slipway/tasks"
)

// Manual returns the manual pages of a table, by file name.
func Manual(table []Command) map[string]string {
	pages := map[string]string{"slipway.1": overview(table)}
	for _, c := range table {
		if c.Task.run != nil {
			pages[pageName(c.Name)+".1"] = c.page()
		}
	}
	return pages
}

// pageName returns the name of the page of a command.
func pageName(command string) string { return "slipway-" + strings.ReplaceAll(command, " ", "-") }

// page returns the page of one command.
func (c *Command) page() string {
	var m roff
	m.head(pageName(c.Name), c.Summary)
	m.section("Synopsis", "slipway "+c.usage()+" [flags]")
	m.section("Description", c.Help)
	if len(c.Task.flags) > 0 {
		m.macro("SH", "OPTIONS")
		m.flags(c.Task.flags)
	}
	m.macro("SH", "SHARED OPTIONS")
	m.flags(c.shared(sharedFlags()))
	m.macro("SH", "EXAMPLES")
	m.verbatim(strings.Join(c.Examples, "\n"))
	m.section("See also", "slipway(1), which lists the exit codes")
	return m.String()
}

// overview returns the page slipway(1).
func overview(table []Command) string {
	var m roff
	m.head("slipway", Summary)
	m.section("Synopsis", "slipway COMMAND [arguments] [flags]")
	m.section("Description", About)
	m.macro("SH", "COMMANDS")
	for _, group := range groups() {
		m.macro("SS", string(group))
		for _, c := range table {
			if c.Group == group && c.Task.run != nil {
				m.item("slipway "+c.usage(), c.Summary)
			}
		}
	}
	m.macro("SH", "SHARED OPTIONS")
	m.flags(sharedFlags())
	m.macro("SH", "ENVIRONMENT")
	for _, f := range sharedFlags() {
		m.item(f.Env, "the default of --"+f.Name)
	}
	m.macro("SH", "EXIT STATUS")
	m.verbatim(strings.TrimSpace(tasks.ExitCodes))
	return m.String()
}

// roff builds the text of a page in roff, the language of man.
type roff struct{ strings.Builder }

// head writes the title and the NAME section.
func (m *roff) head(name, summary string) {
	m.macro("TH", strings.ToUpper(name), "1")
	m.macro("SH", "NAME")
	m.line(name + " - " + summary)
}

// section writes a section with one paragraph.
func (m *roff) section(title, text string) {
	m.macro("SH", strings.ToUpper(title))
	m.line(text)
}

// flags writes an item for each flag.
func (m *roff) flags(flags []flag) {
	for _, f := range flags {
		m.item(f.label(), f.text())
	}
}

// item writes a term and its description.
func (m *roff) item(term, text string) {
	m.macro("TP")
	m.macro("B", term)
	m.line(text)
}

// verbatim writes lines without filling them.
func (m *roff) verbatim(text string) {
	m.macro("nf")
	for _, line := range strings.Split(text, "\n") {
		m.line(line)
	}
	m.macro("fi")
}

// macro writes a request with quoted arguments.
func (m *roff) macro(name string, arguments ...string) {
	m.WriteString("." + name)
	for _, argument := range arguments {
		fmt.Fprintf(m, ` "%s"`, strings.ReplaceAll(escape(argument), `"`, `\(dq`))
	}
	m.WriteByte('\n')
}

// line writes a line of text. A control character at its beginning is escaped.
func (m *roff) line(text string) {
	text = escape(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	m.WriteString(text + "\n")
}

// escape returns text with the special characters of roff escaped.
func escape(text string) string {
	return strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`).Replace(text)
}
