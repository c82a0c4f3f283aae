package printer

import (
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/tasks/report"
)

func textSecrets(w *page, r *report.Result) {
	if r.CreateNamespace != "" {
		w.line("namespace %s: create", r.CreateNamespace)
	}
	if len(r.Secrets) == 0 {
		return
	}
	table := w.table(column{title: "SECRET", cut: 1}, column{title: "ACTION"}, column{title: "KEYS", below: true})
	for _, s := range r.Secrets {
		keys := make([]string, 0, len(s.Keys))
		for key, action := range s.Keys {
			keys = append(keys, key+"=*** ("+action+")")
		}
		slices.Sort(keys)
		table.row(s.Name, string(s.Action), strings.Join(keys, ", "))
	}
	table.end()
}

func summarizeSecrets(r *report.Result) []string {
	t := markdownTable{header: []string{"secret", "action", "keys"}}
	for _, s := range r.Secrets {
		var keys []string
		for key, action := range s.Keys {
			keys = append(keys, inline(key+" ("+action+")"))
		}
		slices.Sort(keys)
		t.row(inline(s.Name), inline(string(s.Action)), strings.Join(keys, ", "))
	}
	return t.section()
}
