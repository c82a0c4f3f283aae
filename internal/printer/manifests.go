package printer

import "github.com/slipway-ci/slipway/tasks/report"

// textManifests prints a line for each object of a manifest, and in a plan how it would change.
func textManifests(w *page, r *report.Result) {
	for _, m := range r.Manifests {
		w.line("%s %s: %s", m.Kind, m.Name, manifestAction(&m))
		if m.Diff != "" && r.Changes > 0 {
			w.block(m.Diff, "  ")
		}
	}
}

// manifestAction returns what is done to an object, and why if that is not obvious.
func manifestAction(m *report.Manifest) string {
	if m.Reason == "" {
		return string(m.Action)
	}
	return string(m.Action) + " (" + m.Reason + ")"
}

func summarizeManifests(r *report.Result) []string {
	t := markdownTable{header: []string{"manifest", "action"}}
	for _, m := range r.Manifests {
		t.row(inline(m.Kind+" "+m.Name), inline(manifestAction(&m)))
	}
	return t.section()
}
