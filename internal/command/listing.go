package command

import (
	"fmt"
	"strings"

	"github.com/slipway-ci/slipway/internal/markdown"
)

// listing returns the list of commands for docs/commands.md, by group.
func listing(table []Command) string {
	var b strings.Builder
	for _, group := range groups() {
		fmt.Fprintf(&b, "\n### %s\n", group)
		for _, c := range table {
			if c.Group == group && c.Task.run != nil {
				c.markdown(&b, table)
			}
		}
	}
	return b.String()
}

// markdown writes the section of a command.
func (c *Command) markdown(b *strings.Builder, table []Command) {
	fmt.Fprintf(b, "\n#### slipway %s\n\n", c.Name)
	fmt.Fprintf(b, "`slipway %s`, as a mage target `%s`.\n\n", c.usage(), c.targetUsage(table))
	b.WriteString(markdown.Wrap(c.Help, markdown.Columns) + "\n\n")
	for _, example := range c.Examples {
		b.WriteString("    " + example + "\n")
	}
	if len(c.Task.flags) > 0 {
		b.WriteByte('\n')
	}
	for _, f := range c.Task.flags {
		item := fmt.Sprintf("`%s`", f.label())
		if f.Mage != f.Name {
			item += fmt.Sprintf(" (mage: `-%s`)", f.Mage)
		}
		item += ": " + f.text()
		b.WriteString(markdown.Item(item + "."))
	}
}

// targetUsage returns the command line of the mage target of a command.
func (c *Command) targetUsage(table []Command) string {
	words := []string{c.targetName(table)}
	for _, a := range c.Task.arguments {
		switch name := strings.Trim(a.Word, "[.]"); {
		case a.variadic():
			words = append(words, "-"+a.Mage+"="+name+",...")
		case a.optional():
			words = append(words, "-"+a.Mage+"="+name)
		default:
			words = append(words, name)
		}
	}
	return strings.Join(words, " ")
}
