package printer

import "github.com/slipway-ci/slipway/tasks/report"

func textComparison(w *page, r *report.Result) {
	c := r.Comparison
	if c == nil {
		return
	}
	if len(c.Differences) > 0 {
		table := w.table(column{title: "KIND"}, column{title: "NAME"}, column{title: shortID(c.A), cut: 2}, column{title: shortID(c.B), cut: 1})
		for _, d := range c.Differences {
			table.row(d.Kind, d.Name, d.A, d.B)
		}
		table.end()
	}
	w.line("%d differ, %d are the same", len(c.Differences), c.Same)
}

func summarizeComparison(r *report.Result) []string {
	c := r.Comparison
	if c == nil {
		return nil
	}
	t := markdownTable{header: []string{"kind", "name", code(shortID(c.A)), code(shortID(c.B))}}
	for _, d := range c.Differences {
		t.row(inline(d.Kind), inline(d.Name), inline(d.A), inline(d.B))
	}
	return t.section()
}
