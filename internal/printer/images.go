package printer

import (
	"fmt"
	"strings"

	"github.com/slipway-ci/slipway/tasks/report"
)

func textImages(w *page, r *report.Result) {
	if len(r.Images) == 0 {
		return
	}
	table := w.table(column{title: "IMAGE", cut: 1}, column{title: "ACTION"}, column{title: "SIZE"}, column{title: "CREATED", spare: 1},
		column{title: "TAGS", below: true}, column{title: "REFERENCE", below: true})
	for _, i := range r.Images {
		created := ""
		if i.Created != nil {
			created = i.Created.Format("2006-01-02 15:04")
		}
		size := ""
		if i.Bytes > 0 {
			size = Bytes(i.Bytes)
		}
		table.row(i.Name, string(i.Action), size, created, strings.Join(i.Tags, ","), i.Reference)
	}
	table.end()
	for _, i := range r.Images {
		if len(i.Changed) > 0 {
			w.line("%s: changed since its last image: %s", i.Name, firstChanges(i.Changed))
		}
	}
}

// shownChanges is the maximum number of changes that are listed for an image.
const shownChanges = 8

// firstChanges joins at most shownChanges of all, and says how many more there are.
func firstChanges(all []string) string {
	if len(all) <= shownChanges {
		return strings.Join(all, ", ")
	}
	return fmt.Sprintf("%s, and %d more", strings.Join(all[:shownChanges], ", "), len(all)-shownChanges)
}

func summarizeImages(r *report.Result) []string {
	t := markdownTable{header: []string{"image", "action", "size", "sent", "changed", "reference"}}
	for _, i := range r.Images {
		t.row(inline(i.Name), inline(string(i.Action)), Bytes(i.Bytes), Bytes(i.Sent), inline(firstChanges(i.Changed)), brokenReference(i.Reference))
	}
	return t.section()
}

// brokenReference returns a reference with its digest in a line of its own. In one line it
// makes a table wider than a page of GitHub.
func brokenReference(reference string) string {
	repository, digest, ok := strings.Cut(reference, "@")
	if !ok {
		return code(reference)
	}
	return code(repository) + lineBreak + code("@"+digest)
}
