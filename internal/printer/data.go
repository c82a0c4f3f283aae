package printer

import (
	"fmt"
	"strconv"

	"github.com/slipway-ci/slipway/tasks/report"
)

func textObjects(w *page, r *report.Result) {
	if len(r.Objects) == 0 {
		return
	}
	table := w.table(column{title: "ADDRESS"}, column{title: "SIZE"}, column{title: "UPDATED", spare: 1})
	for _, o := range r.Objects {
		size, updated := "", ""
		if o.Updated != nil {
			size, updated = Bytes(o.Bytes), o.Updated.Format("2006-01-02 15:04")
		}
		table.row(o.Address, size, updated)
	}
	table.end()
}

// textTransfer prints the files of a dry run. What was copied is in the events.
func textTransfer(w *page, r *report.Result) {
	if r.Transfer == nil || !r.Transfer.DryRun || len(r.Transfer.Files) == 0 {
		return
	}
	table := w.table(column{title: "FILE"}, column{title: "ACTION"}, column{title: "SIZE"})
	for _, f := range r.Transfer.Files[:min(len(r.Transfer.Files), maxRows)] {
		table.row(f.Name, string(f.Action), Bytes(f.Bytes))
	}
	table.end()
	if more := len(r.Transfer.Files) - maxRows; more > 0 {
		w.line("and %d more", more)
	}
}

func summarizeTransfer(r *report.Result) []string {
	t := r.Transfer
	if t == nil {
		return nil
	}
	return []string{fmt.Sprintf("%s to %s: %d copied (%s), %d deleted, %d unchanged", inline(t.From), inline(t.To), t.Copied, Bytes(t.Bytes), t.Deleted, t.Unchanged)}
}

func textData(w *page, r *report.Result) {
	if len(r.Data) == 0 {
		return
	}
	table := w.table(column{title: "DATA", cut: 1}, column{title: "ACTION"}, column{title: "FILES"}, column{title: "SIZE"}, column{title: "DELETED"}, column{title: "UNCHANGED"}, column{title: "TO", spare: 1})
	for _, d := range r.Data {
		table.row(d.Name, string(d.Action), strconv.Itoa(d.Copied), Bytes(d.Bytes), strconv.Itoa(d.Deleted), strconv.Itoa(d.Unchanged), d.To)
	}
	table.end()
}

func summarizeData(r *report.Result) []string {
	t := markdownTable{header: []string{"data", "action", "files", "size", "deleted", "unchanged", "to"}}
	for _, d := range r.Data {
		t.row(inline(d.Name), inline(string(d.Action)), strconv.Itoa(d.Copied), Bytes(d.Bytes), strconv.Itoa(d.Deleted), strconv.Itoa(d.Unchanged), inline(d.To))
	}
	return t.section()
}
