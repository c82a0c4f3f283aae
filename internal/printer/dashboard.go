package printer

import "github.com/slipway-ci/slipway/tasks/report"

// textDashboards writes the addresses that can be reached without a forwarded port. The
// others have been reported, and cannot be reached any more.
func textDashboards(w *page, r *report.Result) {
	for _, d := range r.Dashboards {
		if d.Forwarded {
			continue
		}
		w.line("%s: %s", d.Name, d.Address)
		if d.Command != "" {
			w.line("  %s", d.Command)
		}
	}
}
