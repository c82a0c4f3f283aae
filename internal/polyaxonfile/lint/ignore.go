package lint

import (
	"strings"
	"unicode/utf8"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/source"
)

// marker begins a comment that suppresses rules. The names of one or several rules follow
// it.
const marker = "slipway:ignore"

func commentRules() []Rule {
	return []Rule{
		{Name: "unknown-rule", Severity: file.SeverityWarning, Stage: file.StageAdvice, check: unknownRule,
			Summary: "A comment ignores an unknown rule",
			Help:    "`# slipway:ignore NAME` takes names of this page, separated by spaces or commas. Write it at the end of the line with the finding, on a line of its own above it, or, for the whole file, before the file's first key."},
	}
}

// Ignores reports whether a comment of a Polyaxonfile suppresses a rule at a position. One at
// the top of the file also does so for what is found elsewhere, such as in slipway.yaml.
func Ignores(f *file.File, rule string, at source.Position) bool {
	return contains(topNames(f, f.Name), rule) || len(suppress(f, []Finding{{Error: source.Error{Position: at}, Rule: rule}})) == 0
}

// suppress removes the findings that a comment suppresses: one on the same line, directly
// above it, or at the top of the file. Those without a position are in no line.
func suppress(f *file.File, all []Finding) []Finding {
	lines := map[string]int{} // last line with a finding, by file
	for i := range all {
		lines[all[i].File] = max(lines[all[i].File], all[i].Position.Line)
	}
	top, at := map[string][]string{}, map[string]map[int][]string{}
	for name, last := range lines {
		top[name], at[name] = topNames(f, name), lineNames(f, name, last)
	}
	kept := all[:0:0]
	for _, found := range all {
		if !contains(top[found.File], found.Rule) && !contains(at[found.File][found.Position.Line], found.Rule) {
			kept = append(kept, found)
		}
	}
	return kept
}

// lineNames returns the names of the rules that comments suppress, by the line that they
// apply to.
func lineNames(f *file.File, name string, last int) map[int][]string {
	suppressed := map[int][]string{}
	var above []string
	for n := 1; n <= last; n++ {
		line := f.Line(source.Position{File: name, Line: n})
		if trimmed := strings.TrimSpace(line); strings.HasPrefix(trimmed, "#") {
			above = append(above, ignored([]string{strings.TrimLeft(trimmed, "# ")})...)
			continue
		}
		names := above
		if strings.Contains(line, marker) {
			names = append(names, ignored(f.Comments(source.Position{File: name, Line: n}))...)
		}
		if len(names) > 0 {
			suppressed[n] = names
		}
		above = nil
	}
	return suppressed
}

// ignored returns the names of the rules that comments suppress.
func ignored(comments []string) []string {
	var names []string
	for _, comment := range comments {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(comment), marker); ok {
			rest, _, _ = strings.Cut(rest, " #")
			names = append(names, strings.FieldsFunc(rest, func(r rune) bool { return r == ' ' || r == ',' || r == '\t' || r == ':' })...)
		}
	}
	return names
}

// topNames returns the names of the rules that the comments before a file's first key
// suppress.
func topNames(f *file.File, name string) []string {
	var names []string
	for n := 1; ; n++ {
		line := strings.TrimSpace(f.Line(source.Position{File: name, Line: n}))
		if n == 1 {
			line = strings.TrimPrefix(line, "\ufeff")
		}
		if !strings.HasPrefix(line, "#") && line != "---" && (line != "" || n > 200) {
			return names
		}
		names = append(names, ignored([]string{strings.TrimLeft(line, "# ")})...)
	}
}

func unknownRule(p *pass) {
	if p.nested || p.unit.path == nil && p.operation != nil {
		return
	}
	known := make([]string, 0, 64)
	for _, r := range rules() {
		known = append(known, r.Name)
	}
	at := source.Position{File: p.file.Name}
	for blank := 0; blank < 200; {
		at.Line++
		line := p.file.Line(at)
		if line == "" {
			blank++
			continue
		}
		blank = 0
		i := strings.Index(line, "# "+marker)
		if i < 0 {
			continue
		}
		for _, name := range ignored([]string{line[i+2:]}) {
			if len(p.findings) >= maxFindings {
				return
			}
			if !contains(known, name) {
				where := at
				where.Column = utf8.RuneCountInString(line[:i+strings.Index(line[i:], name)]) + 1
				p.add(where, len(name), didYouMean(name, known), "unknown rule "+name)
			}
		}
	}
}
