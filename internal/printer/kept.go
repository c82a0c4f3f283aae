package printer

import (
	"github.com/slipway-ci/slipway/tasks/report"
)

// gateFailed is the value of report.Kept.Gate of a run that does not meet what its job requires.
const gateFailed = "failed"

func textKept(w *page, k *report.Kept) {
	if k == nil {
		return
	}
	w.line("  artifacts: %s%s", k.Address, keptNote(k))
}

// summarizeKept returns where artifacts are, as Markdown.
func summarizeKept(k *report.Kept) string {
	if k == nil {
		return ""
	}
	return code(k.Address) + keptNote(k)
}

// keptNote returns what is to say about artifacts beside their place.
func keptNote(k *report.Kept) string {
	switch {
	case k.Gate == gateFailed:
		return " (never the latest, as the run does not meet what the job requires)"
	case k.Action == report.ActionCopy:
		return " (to be copied)"
	case k.Files > 0:
		return " (" + Count(k.Files, "file") + ", " + Bytes(k.Bytes) + ")"
	}
	return ""
}
