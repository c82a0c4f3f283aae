package printer

import "github.com/slipway-ci/slipway/tasks/report"

// textManifests prints a line for each object of a manifest, and in a plan how it changes.
func textManifests(w *page, r *report.Result) {
	for _, m := range r.Manifests {
		w.line("%s %s: %s", m.Kind, m.Name, m.Action)
		if m.Diff != "" && r.Command == "plan" {
			w.block(m.Diff, "  ")
		}
	}
}
