package printer

import (
	"fmt"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/tasks/report"
)

// Markdown returns r as a GitHub step summary: the jobs with their status and metrics,
// the last lines of failed jobs, the manifests and the images.
func Markdown(r *report.Result) string {
	b := &strings.Builder{}
	verdict := "succeeded"
	if r.ExitCode != 0 {
		verdict = fmt.Sprintf("failed (exit code %d)", r.ExitCode)
	}
	fmt.Fprintf(b, "## slipway %s: %s\n\n", r.Command, verdict)
	if r.Error != "" {
		fmt.Fprintf(b, "%s\n\n", fenced(ShortenIDs(r.Error)))
	}
	if len(r.Jobs) > 0 {
		fmt.Fprintf(b, "| job | status | run | ran | metrics |\n|---|---|---|---|---|\n")
		for _, j := range r.Jobs {
			var metrics []string
			for _, name := range sortedNames(j.Metrics) {
				metrics = append(metrics, inline(name)+" = "+number(j.Metrics[name]))
			}
			ran := ""
			if j.Times != nil {
				ran = seconds(j.Running)
			}
			fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", inline(j.Name), inline(strings.TrimSpace(j.Action+" "+j.Status)), code(shortID(j.UUID)), ran, strings.Join(metrics, ", "))
		}
		b.WriteString("\n")
	}
	for _, j := range r.Jobs {
		if isMatrix(&j) {
			markdownMatrix(b, &j)
		}
		if len(j.LastLines) > 0 && j.Status != "succeeded" {
			of := ""
			if j.LastLinesOf != "" {
				of = ", container " + code(j.LastLinesOf)
			}
			fmt.Fprintf(b, "Last lines of %s%s:\n\n%s\n\n", code(j.Name), of, fenced(strings.Join(j.LastLines, "\n")))
		}
	}
	if len(r.Manifests) > 0 {
		fmt.Fprintf(b, "| manifest | action |\n|---|---|\n")
		for _, m := range r.Manifests {
			fmt.Fprintf(b, "| %s | %s |\n", inline(m.Kind+" "+m.Name), inline(m.Action))
		}
		b.WriteString("\n")
	}
	if len(r.Images) > 0 {
		fmt.Fprintf(b, "| image | action | size | sent | reference |\n|---|---|---|---|---|\n")
		for _, i := range r.Images {
			fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", inline(i.Name), inline(i.Action), Bytes(i.Bytes), Bytes(i.Sent), code(i.Reference))
		}
		b.WriteString("\n")
	}
	return b.String()
}

// fenced returns text as a code block with a fence that text does not contain.
func fenced(text string) string {
	text = EscapeText(text)
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	return fence + "\n" + text + "\n" + fence
}

// inline returns text from a job or a server so that it is shown literally: it cannot
// become Markdown, HTML, another cell of a table, or change the direction of the text
// around it.
func inline(text string) string {
	text = EscapeText(strings.ReplaceAll(text, "\n", " "))
	if text == "" || plain.MatchString(text) && !strings.Contains(strings.ToLower(text), "www.") {
		return text
	}
	return code(text)
}

// plain matches text without a meaning in Markdown: words, numbers and paths.
var plain = lazyregexp.New(`^[\pL\pN](?:[\pL\pN ,=()%/-]|[._:+][\pL\pN ]|[.:)]$)*$`)

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
