package printer

import "github.com/slipway-ci/slipway/tasks/report"

// textInit writes the files of init: whole with --dry-run, otherwise what was done.
func textInit(w *page, r *report.Result) {
	if r.Init == nil {
		return
	}
	for _, f := range r.Init.Files {
		switch {
		case f.Text != "":
			w.line("--- %s (%s): %s", f.Path, f.Action, f.Reason)
			w.block(f.Text, "    ")
		case f.Command != "":
			w.line("--- %s (%s): %s", f.Path, f.Action, f.Reason)
			w.line("    made by: %s", f.Command)
		default:
			w.line("%s %s: %s", f.Action, f.Path, f.Reason)
		}
	}
	for n, next := range r.Init.Next {
		if n == 0 {
			w.line("next:")
		}
		w.line("  %s", next)
	}
}
