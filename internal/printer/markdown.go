package printer

import (
	"net/url"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

// fenced returns text as a code block with a fence that text does not contain.
func fenced(text string) string { return fencedAs("", text) }

// fencedAs is like fenced, and names the language of the text, which gives it colours.
func fencedAs(language, text string) string {
	text = EscapeText(text)
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	return fence + language + "\n" + text + "\n" + fence
}

// inline returns text from a job or a server so that it is shown literally: it cannot
// become Markdown, HTML, another cell of a table, or change the direction of the text
// around it.
func inline(text string) string {
	text = EscapeText(strings.ReplaceAll(text, "\n", " "))
	if text == "" || plain.MatchString(text) && !linked.MatchString(text) {
		return text
	}
	return code(text)
}

// plain matches text without a meaning in Markdown: words, numbers and paths.
var plain = lazyregexp.New(`^[\pL\pN](?:[\pL\pN ,=()%/-]|[._:+][\pL\pN ]|[.:)]$)*$`)

// linked matches what GitHub makes a link of in plain text: an address, or an issue.
var linked = lazyregexp.New(`(?i)www\.|gh-[0-9]`)

// EscapeText returns text without colours and with control characters escaped. It escapes
// twice, as removing a colour may join the text around it to a control sequence.
func EscapeText(text string) string {
	return EscapeLines(colour.ReplaceAllString(EscapeLines(text), ""))
}

var colour = lazyregexp.New(`\x1b\[[0-9;:]*m`)

// code returns text as inline code for the cell of a table. It returns "" for "".
func code(text string) string {
	if text == "" {
		return ""
	}
	fence := "`"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	text = EscapeCode(EscapeText(strings.ReplaceAll(text, "\n", " ")))
	if len(fence) > 1 {
		text = " " + text + " "
	}
	return fence + text + fence
}

// EscapeCode escapes text for inline code in the cell of a Markdown table.
func EscapeCode(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

// link returns text as inline code that links to address. Without an http or https address it
// returns the text alone.
func link(text, address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return code(text)
	}
	u.User = nil
	return "[" + code(text) + "](<" + strings.NewReplacer("<", "%3C", ">", "%3E", "|", "%7C", "\\", "%5C").Replace(u.String()) + ">)"
}
