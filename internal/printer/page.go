package printer

import (
	"fmt"
	"strings"
)

// Page says where a Result is shown.
type Page struct {
	// Columns is how wide it is, 0 when nobody knows.
	Columns int
	// Color: it shows colours.
	Color bool
}

// page is a Result's text as it is written. What is told by others is made harmless
// where it comes in, so that the page's own colours are the only ones.
type page struct {
	strings.Builder
	Page
	// terminal: the width is that of one.
	terminal bool
}

// line writes one line.
func (p *page) line(format string, args ...any) { p.painted("", format, args...) }

// painted writes one line in a colour, "" for none.
func (p *page) painted(color, format string, args ...any) {
	for n, arg := range args {
		if text, ok := arg.(string); ok {
			args[n] = Clean(text)
		}
	}
	p.WriteString(p.paint(color, Brief(fmt.Sprintf(format, args...))) + "\n")
}

// entry writes a line whose texts may have several: those after the first are set off.
func (p *page) entry(format string, args ...any) {
	for n, arg := range args {
		if text, ok := arg.(string); ok {
			args[n] = strings.ReplaceAll(Plain(text), "\n", "\n  ")
		}
	}
	p.WriteString(Brief(fmt.Sprintf(format, args...)) + "\n")
}

// quote writes a line of a file, whose tabs stay.
func (p *page) quote(before, line string) {
	p.WriteString(before + strings.ReplaceAll(Plain(line), "\n", `\n`) + "\n")
}

// block writes lines, each after by.
func (p *page) block(text, by string) {
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		p.WriteString(by + Brief(Plain(line)) + "\n")
	}
}

func (p *page) paint(color, text string) string {
	if !p.Color || color == "" {
		return text
	}
	return paint(color, text)
}

// failed gives the colour of what ended with a status.
func failed(status string) string {
	if failing(status) {
		return red
	}
	return ""
}
