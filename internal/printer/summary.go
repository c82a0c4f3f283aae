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
	if r.ExitCode != 0 {
		verdict = fmt.Sprintf("failed (exit code %d)", r.ExitCode)
	}
	sections := []string{fmt.Sprintf("## slipway %s: %s", r.Command, verdict)}
	if r.Error != "" {
		sections = append(sections, fenced(ShortenIDs(r.Error)))
	}
	for _, part := range []func(*report.Result) []string{
		summarizeProblems, summarizeChecks, summarizeJobs, summarizeMatrices, summarizeLastLines, summarizeSecrets, summarizeVolumes, summarizeManifests, summarizeImages, summarizeRuns, summarizeDiffs,
	} {
		sections = append(sections, part(r)...)
	}
	return sections
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

func summarizeJobs(r *report.Result) []string {
	t := markdownTable{header: []string{"job", "status", "run", "ran", "metrics"}}
	for _, j := range r.Jobs {
		var metrics []string
		for _, name := range sortedNames(j.Metrics) {
			metrics = append(metrics, inline(name)+" = "+number(j.Metrics[name]))
		}
		ran := ""
		if j.Times != nil {
			ran = seconds(j.Running)
		}
		t.row(inline(j.Name), inline(strings.TrimSpace(j.Action+" "+j.Status)), link(shortID(j.UUID), j.Address), ran, strings.Join(metrics, ", "))
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

func summarizeLastLines(r *report.Result) (sections []string) {
	for _, j := range r.Jobs {
		if len(j.LastLines) == 0 || j.Status == "succeeded" {
			continue
		}
		of := ""
		if j.LastLinesOf != "" {
			of = ", container " + code(j.LastLinesOf)
		}
		sections = append(sections, fmt.Sprintf("Last lines of %s%s:\n\n%s", code(j.Name), of, fenced(strings.Join(j.LastLines, "\n"))))
	}
	return sections
}

func summarizeSecrets(r *report.Result) []string {
	t := markdownTable{header: []string{"secret", "action", "keys"}}
	for _, s := range r.Secrets {
		var keys []string
		for key, action := range s.Keys {
			keys = append(keys, inline(key+" ("+action+")"))
		}
		slices.Sort(keys)
		t.row(inline(s.Name), inline(s.Action), strings.Join(keys, ", "))
	}
	return t.section()
}

func summarizeVolumes(r *report.Result) []string {
	t := markdownTable{header: []string{"claim", "action", "size", "access", "class", "status"}}
	for _, v := range r.Volumes {
		t.row(inline(v.Claim), inline(v.Action), inline(v.Size), inline(v.Access), inline(v.Class), inline(v.Status))
	}
	return t.section()
}

func summarizeManifests(r *report.Result) []string {
	t := markdownTable{header: []string{"manifest", "action"}}
	for _, m := range r.Manifests {
		t.row(inline(m.Kind+" "+m.Name), inline(manifestAction(&m)))
	}
	return t.section()
}

func summarizeImages(r *report.Result) []string {
	t := markdownTable{header: []string{"image", "action", "size", "sent", "changed", "reference"}}
	for _, i := range r.Images {
		t.row(inline(i.Name), inline(i.Action), Bytes(i.Bytes), Bytes(i.Sent), inline(firstChanges(i.Changed)), code(i.Reference))
	}
	return t.section()
}

func summarizeRuns(r *report.Result) []string {
	t := markdownTable{header: []string{"run", "name", "status", "ran", "cost"}}
	for _, run := range r.Runs {
		ran, cost := "", ""
		if run.Times != nil {
			ran = seconds(run.Running)
		}
		if run.Cost != nil {
			cost = run.Cost.String()
		}
		t.row(link(shortID(run.UUID), run.Address), inline(run.RunName), inline(run.Status), ran, inline(cost))
	}
	return t.section()
}

// summarizeDiffs returns a section for each thing that plan would change. They come last, as
// they are the longest.
func summarizeDiffs(r *report.Result) (sections []string) {
	add := func(name, diff string) {
		if diff != "" {
			sections = append(sections, "<details><summary><code>"+html.EscapeString(EscapeText(name))+"</code></summary>\n\n"+fenced(strings.TrimSuffix(diff, "\n"))+"\n\n</details>")
		}
	}
	for _, j := range r.Jobs {
		add(j.Name, j.Diff)
	}
	if r.Command == "plan" {
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
