package printer

import (
	"strconv"
	"strings"

	"github.com/slipway-ci/slipway/tasks/report"
)

func textRuns(w *page, r *report.Result) {
	switch {
	case len(r.Runs) == 0:
	case len(r.Runs) == 1 && r.Runs[0].History != nil:
		textRun(w, r.Runs[0])
	default:
		table := w.table(column{title: "RUN"}, column{title: "NAME", cut: 4}, column{title: "KIND", cut: 2, spare: 2}, column{title: "STATUS"},
			column{title: "CREATED", spare: 3}, column{title: "AGE", spare: 4}, column{title: "RAN"}, column{title: "GPUS"}, column{title: "COST"},
			column{title: "OWNER", cut: 1, spare: 1}, column{title: "ADDRESS", below: true})
		for _, run := range r.Runs {
			created := ""
			if run.Created != nil {
				created = run.Created.Format("2006-01-02 15:04")
			}
			age, ran, gpus, cost := "", "", "", ""
			if run.Times != nil {
				ran = Seconds(run.Running)
			}
			if run.Age > 0 {
				age = Age(run.Age)
			}
			if run.GPUs > 0 {
				gpus = strconv.Itoa(run.GPUs)
			}
			if run.Cost != nil {
				cost = run.Cost.String()
			}
			table.row(shortID(run.UUID), run.RunName, run.Kind, run.Status, created, age, ran, gpus, cost, run.Owner, run.Address)
		}
		table.end()
	}
}

func textRun(w *page, run report.Run) {
	w.painted(failed(run.Status), "run %s (%s, %s): %s", run.UUID, run.RunName, run.Kind, run.Status)
	if run.Commit != "" {
		w.line("  commit: %s", run.Commit)
	}
	if run.Gate != "" {
		w.line("  require: %s", verdict(run.Gate))
	}
	if run.Pending != "" {
		w.line("  waiting for %s: run slipway approve %s to continue", run.Pending, run.UUID)
	}
	failure := ""
	if run.Failure != nil {
		failure = run.Failure.Text
	}
	for n, t := range run.History {
		message := firstLine(t.Message)
		if n == len(run.History)-1 && failure != "" && t.Status == run.Status {
			message, failure = failure, "" // the same cause, with a hint
		}
		w.line("  %s %-12s %s", t.Time.Format("15:04:05"), t.Status, strings.TrimSpace(t.Reason+" "+message))
	}
	textMetrics(w, run.Metrics)
	textMLflow(w, run.MLflow)
	switch t := run.Times; {
	case t == nil:
	case t.Pulling == nil:
		w.line("  waited %s until it ran (the share of its images is unknown), ran %s", Seconds(t.Queued), Seconds(t.Running))
	default:
		w.line("  queued %s, pulled its images for %s, ran %s", Seconds(t.Queued), Seconds(t.Pulling), Seconds(t.Running))
	}
	if run.Cost != nil {
		w.line("  cost: %s", formatCost(run.Cost))
	}
	if failure != "" {
		w.line("  failed: %s", failure)
	}
	if run.Address != "" {
		w.line("  address: %s", run.Address)
	}
	if len(run.Outputs) > 0 {
		w.line("  outputs: %s", strings.Join(run.Outputs, ", "))
		if run.OutputsAt != "" {
			w.line("    in %s", run.OutputsAt)
		}
	}
}

func textArtifacts(w *page, r *report.Result) {
	if len(r.Artifacts) == 0 {
		return
	}
	table := w.table(column{title: "ARTIFACT"}, column{title: "SIZE"}, column{title: "ADDRESS", below: true}, column{title: "SAVED AS", below: true})
	for _, a := range r.Artifacts {
		table.row(a.Path, Bytes(a.Bytes), a.Address, a.SavedAs)
	}
	table.end()
}

func summarizeRuns(r *report.Result) []string {
	t := markdownTable{header: []string{"run", "name", "status", "ran", "cost"}}
	for _, run := range r.Runs {
		ran, cost := "", ""
		if run.Times != nil {
			ran = Seconds(run.Running)
		}
		if run.Cost != nil {
			cost = run.Cost.String()
		}
		t.row(link(shortID(run.UUID), run.Address), inline(run.RunName), inline(run.Status), ran, inline(cost))
	}
	return t.section()
}
