package printer

import "github.com/slipway-ci/slipway/tasks/report"

func textVolumes(w *page, r *report.Result) {
	if len(r.Volumes) == 0 {
		return
	}
	table := w.table(column{title: "CLAIM", cut: 1}, column{title: "ACTION"}, column{title: "SIZE"}, column{title: "ACCESS"}, column{title: "CLASS", cut: 2}, column{title: "STATUS"})
	for _, v := range r.Volumes {
		table.row(v.Claim, string(v.Action), v.Size, v.Access, v.Class, v.Status)
	}
	table.end()
}

func summarizeVolumes(r *report.Result) []string {
	t := markdownTable{header: []string{"claim", "action", "size", "access", "class", "status"}}
	for _, v := range r.Volumes {
		t.row(inline(v.Claim), inline(string(v.Action)), inline(v.Size), inline(v.Access), inline(v.Class), inline(v.Status))
	}
	return t.section()
}
