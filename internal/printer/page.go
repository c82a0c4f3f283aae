package printer

import (
	"fmt"
	"reflect"
	"strings"
)

// Page describes where a Result is shown.
type Page struct {
	// Columns is the width, or 0 if it is unknown.
	Columns int
	// Color is set if it shows colours.
	Color bool
}

// page is the text of a Result while it is written. Text of others is made harmless when
// it is added, so that the page has no colours but its own.
type page struct {
	strings.Builder
	Page
	// terminal is set if the page is a terminal of known width.
	terminal bool
}

// line writes one line.
func (p *page) line(format string, args ...any) { p.painted("", format, args...) }

// painted writes one line in the given colour, or without a colour if that is "".
func (p *page) painted(color, format string, args ...any) {
	for n, arg := range args {
		if text, ok := textOf(arg); ok {
			args[n] = EscapeLine(text)
		}
	}
	p.WriteString(p.paint(color, ShortenIDs(fmt.Sprintf(format, args...))) + "\n")
}

// entry writes texts that may have several lines. Lines after the first are indented.
func (p *page) entry(format string, args ...any) {
	for n, arg := range args {
		if text, ok := textOf(arg); ok {
			args[n] = strings.ReplaceAll(EscapeText(text), "\n", "\n  ")
		}
	}
	p.WriteString(ShortenIDs(fmt.Sprintf(format, args...)) + "\n")
}

// textOf returns the text of an argument whose type is a kind of string, such as
// report.Action.
func textOf(arg any) (string, bool) {
	value := reflect.ValueOf(arg)
	return value.String(), value.Kind() == reflect.String
}

// quote writes a line of a file, with its tabs.
func (p *page) quote(before, line string) {
	p.WriteString(before + strings.ReplaceAll(EscapeText(line), "\n", `\n`) + "\n")
}

// block writes lines, each with the given prefix.
func (p *page) block(text, by string) {
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		p.WriteString(by + ShortenIDs(EscapeText(line)) + "\n")
	}
}

func (p *page) paint(color, text string) string {
	if !p.Color || color == "" {
		return text
	}
	return paint(color, text)
}

// failed returns the colour for a status: red for a failure, or "".
func failed(status string) string {
	if failure(status) {
		return red
	}
	return ""
}
