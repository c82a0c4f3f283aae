package printer

import "github.com/slipway-ci/slipway/tasks/report"

// textGate writes what a job requires of its metrics.
func textGate(w *page, j *report.Job) {
	for _, r := range j.Requirements {
		verdict, color := "met", ""
		if !r.Met {
			verdict, color = "NOT met", red
		}
		w.painted(color, "  requires %s %s: %s (%s)", r.Metric, r.Condition, verdict, r.Message)
	}
}

// verdict says what came of what a run's job requires, by Run.Gate. It returns "" for a job that requires nothing.
func verdict(gate string) string {
	switch gate {
	case "failed":
		return "NOT met: slipway plan says why"
	case "pending":
		return "not checked yet: slipway deploy checks it"
	}
	return gate
}

func summarizeGates(r *report.Result) []string {
	t := markdownTable{title: "What jobs require of their metrics:", header: []string{"job", "metric", "requires", "met", "why"}}
	for _, j := range r.Jobs {
		for _, one := range j.Requirements {
			met := "yes"
			if !one.Met {
				met = "**no**"
			}
			t.row(inline(j.Name), inline(one.Metric), code(one.Condition), met, inline(one.Message))
		}
	}
	return t.section()
}
