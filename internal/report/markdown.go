package report

import (
	"fmt"
	"strings"
)

// Markdown gives r as a GitHub step summary: what ran, how it ended, its
// metrics, and the failing job's last lines.
func Markdown(r *Result) string {
	b := &strings.Builder{}
	verdict := "succeeded"
	if r.ExitCode != 0 {
		verdict = fmt.Sprintf("failed (exit code %d)", r.ExitCode)
	}
	fmt.Fprintf(b, "## slipway %s: %s\n\n", r.Command, verdict)
	if r.Error != "" {
		fmt.Fprintf(b, "%s\n\n", fenced(r.Error))
	}
	if len(r.Jobs) > 0 {
		fmt.Fprintf(b, "| job | status | run | ran | metrics |\n|---|---|---|---|---|\n")
		for _, j := range r.Jobs {
			var metrics []string
			for _, name := range sortedNames(j.Metrics) {
				metrics = append(metrics, name+" = "+number(j.Metrics[name]))
			}
			ran := ""
			if j.Times != nil {
				ran = seconds(j.Running)
			}
			fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", cell(j.Name), cell(strings.TrimSpace(j.Action+" "+j.Status)), code(j.UUID), ran, cell(strings.Join(metrics, ", ")))
		}
		b.WriteString("\n")
	}
	for _, j := range r.Jobs {
		if len(j.LastLines) > 0 && j.Status != "succeeded" {
			of := ""
			if j.Speaker != "" {
				of = ", container `" + cell(j.Speaker) + "`"
			}
			fmt.Fprintf(b, "Last lines of `%s`%s:\n\n%s\n\n", j.Name, of, fenced(strings.Join(j.LastLines, "\n")))
		}
	}
	if len(r.Images) > 0 {
		fmt.Fprintf(b, "| image | action | size | sent | reference |\n|---|---|---|---|---|\n")
		for _, i := range r.Images {
			fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", cell(i.Name), i.Action, Bytes(i.Bytes), Bytes(i.Sent), code(i.Reference))
		}
		b.WriteString("\n")
	}
	return b.String()
}

// fenced gives text as a code block whose fence the text cannot close.
func fenced(text string) string {
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	return fence + "\n" + text + "\n" + fence
}

// cell makes text safe inside a table's cell.
func cell(text string) string {
	return strings.NewReplacer("|", "\\|", "\n", " ", "`", "'").Replace(text)
}

// code gives text as code inside a table's cell, and nothing for nothing.
func code(text string) string {
	if text == "" {
		return ""
	}
	return "`" + cell(text) + "`"
}
