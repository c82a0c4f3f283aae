package printer

import (
	"fmt"
	"html"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/tasks/report"
)

// maxRows is how many rows a table of a summary has at most. More are for the log.
const maxRows = 200

// Summary returns r as sections of Markdown for GitHub's step summary, the most important
// first: how the command ended, findings, jobs with their metrics, the last lines of failed
// jobs, what changed, and images.
func Summary(r *report.Result) []string {
	verdict := "succeeded"
	if r.LeftOut != nil {
		verdict = "only planned"
	}
	if r.ExitCode != 0 {
		verdict = fmt.Sprintf("failed (exit code %d)", r.ExitCode)
	}
	sections := []string{"## " + strings.TrimSpace("slipway "+r.Command) + ": " + verdict}
	if r.Error != "" {
		sections = append(sections, fenced(ShortenIDs(r.Error)))
	}
	for _, part := range []func(*report.Result) []string{
		summarizeLeftOut, summarizeProblems, summarizeChecks, summarizeJobs, summarizeGates, summarizeMatrices, summarizeLastLines, summarizeSecrets, summarizeVolumes, summarizeData, summarizeManifests, summarizeServed, summarizeImages, summarizeRuns, summarizeComparison, summarizeTransfer, summarizeDiffs,
	} {
		sections = append(sections, part(r)...)
	}
	return sections
}

// LeftOut returns what a command did not do and why, as one line, or "".
func LeftOut(r *report.Result) string {
	if r.LeftOut == nil {
		return ""
	}
	what := "nothing"
	if len(r.LeftOut.What) > 0 {
		what = strings.Join(r.LeftOut.What, "; ")
	}
	return "left out, as " + r.LeftOut.Why + ": " + what
}

// summarizeLeftOut returns what the command did not do, as a list.
func summarizeLeftOut(r *report.Result) []string {
	if r.LeftOut == nil {
		return nil
	}
	lines := []string{"Left out, as " + inline(r.LeftOut.Why) + ":", ""}
	for _, one := range r.LeftOut.What {
		lines = append(lines, "- "+inline(one))
	}
	return []string{strings.Join(lines, "\n")}
}

func summarizeProblems(r *report.Result) []string {
	t := markdownTable{header: []string{"place", "severity", "rule", "message"}}
	for _, p := range r.Problems {
		message := p.Message
		if p.Hint != "" {
			message += " (" + p.Hint + ")"
		}
		t.row(inline(p.Position.String()), inline(p.Severity), inline(p.Name), inline(message))
	}
	return t.section()
}

func summarizeMatrices(r *report.Result) (sections []string) {
	for _, j := range r.Jobs {
		if !isMatrix(&j) {
			continue
		}
		order := ""
		if by := rankingLabel(&j); by != "" {
			order = ", " + inline(by)
		}
		header, rows := matrix(&j)
		t := markdownTable{title: "Runs of " + inline(j.Name) + order + ":"}
		for _, title := range header {
			t.header = append(t.header, inline(title))
		}
		for _, row := range rows {
			cells := make([]string, len(row))
			for n, text := range row {
				cells[n] = inline(text)
			}
			t.row(cells...)
		}
		sections = append(sections, t.section()...)
	}
	return sections
}

// summarizeDiffs returns a section for each thing that plan would change. They come last, as
// they are the longest.
func summarizeDiffs(r *report.Result) (sections []string) {
	add := func(name, diff string) { // a blank line in the name would end the HTML
		if diff != "" {
			sections = append(sections, "<details><summary><code>"+html.EscapeString(EscapeText(strings.ReplaceAll(name, "\n", " ")))+"</code></summary>\n\n"+fencedAs("diff", strings.TrimSuffix(diff, "\n"))+"\n\n</details>")
		}
	}
	for _, j := range r.Jobs {
		add(j.Name, j.Diff)
	}
	if r.Changes > 0 { // a plan
		for _, m := range r.Manifests {
			add(m.Kind+" "+m.Name, m.Diff)
		}
	}
	return sections
}

// markdownTable is a table whose cells are Markdown already.
type markdownTable struct {
	title  string
	header []string
	rows   [][]string
}

func (t *markdownTable) row(cells ...string) { t.rows = append(t.rows, cells) }

// section returns the table as one section, without columns that have no text, or nothing if
// it has no rows.
func (t *markdownTable) section() []string {
	if len(t.rows) == 0 {
		return nil
	}
	used := func(n int) bool {
		return slices.ContainsFunc(t.rows, func(row []string) bool { return row[n] != "" })
	}
	var b strings.Builder
	if t.title != "" {
		b.WriteString(t.title + "\n\n")
	}
	line := func(cells []string) {
		for n, cell := range cells {
			if used(n) {
				b.WriteString("| " + cell + " ")
			}
		}
		b.WriteString("|\n")
	}
	line(t.header)
	rule := make([]string, len(t.header))
	for n := range rule {
		rule[n] = "---"
	}
	line(rule)
	for _, row := range t.rows[:min(len(t.rows), maxRows)] {
		line(row)
	}
	if more := len(t.rows) - maxRows; more > 0 {
		fmt.Fprintf(&b, "\n%d more are in the log.\n", more)
	}
	return []string{strings.TrimSuffix(b.String(), "\n")}
}
