package cli

import (
	"io"
	"slices"
	"strconv"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/printer"
	"github.com/slipway-ci/slipway/tasks"
	"github.com/slipway-ci/slipway/tasks/report"
)

// output sets the outputs of the step from a result. action.yml lists them.
func (w *workflow) output(r *report.Result) {
	w.set("status", word(status(r)))
	w.set("exit-code", strconv.Itoa(r.ExitCode))
	w.set("changed", strconv.FormatBool(changed(r)))
	w.set("images", jsonOf(imagesOf(r)))
	w.set("metrics", jsonOf(metricsOf(r)))
	for _, j := range slices.Backward(r.Jobs) {
		if j.UUID != "" { // the last job's run is the end of the pipeline
			w.set("run-uuid", word(j.UUID))
			w.set("run-url", address(j.Address))
			break
		}
	}
	w.save(r)
}

// interrupted sets the outputs of a step that was cancelled. The runner may kill it before the
// runs have been stopped; otherwise the outputs of the result replace these.
func (w *workflow) interrupted() {
	w.set("status", "stopped")
	w.set("exit-code", strconv.Itoa(tasks.ExitInterrupted))
}

func (w *workflow) set(name, value string) {
	if err := w.commands.SetOutput(name, value); err != nil {
		w.next.Event(report.Event{Kind: report.Warning, Message: "output " + name + ": " + err.Error()})
	}
}

// save writes the result as JSON to a file outside of the workspace, whose path is the output
// report.
func (w *workflow) save(r *report.Result) {
	text, err := w.encode(func(to io.Writer) error { return printer.JSON(to, r) })
	path := ""
	if err == nil {
		path, err = w.commands.SaveTemp("slipway-*.json", text)
	}
	switch {
	case err != nil:
		w.next.Event(report.Event{Kind: report.Warning, Message: "report: " + err.Error()})
	case path != "":
		w.set("report", path)
	}
}

// word returns a server's text if it is a plain word, "unknown" otherwise. Workflows insert
// outputs into scripts, so other text could be executed.
func word(text string) string {
	if !plainWord.MatchString(text) {
		return "unknown"
	}
	return text
}

// address returns the address of a page if it is a URL without anything that a shell expands,
// and "unknown" otherwise.
func address(text string) string {
	if !plainURL.MatchString(text) {
		return "unknown"
	}
	return text
}

var plainURL = lazyregexp.New(`^https?://[A-Za-z0-9._~:/?#=%@-]+$`)

var plainWord = lazyregexp.New(`^[A-Za-z0-9_-]{0,64}$`)

// status returns the status of the pipeline. This is the first status of a job other than
// succeeded and upstream_failed. If there is none, it is the status of the last job or,
// without jobs, succeeded; it is failed if the command failed. It is planned if the workflow
// gets no secrets.
func status(r *report.Result) string {
	if r.LeftOut != nil && r.ExitCode == 0 {
		return "planned"
	}
	for _, j := range r.Jobs {
		if j.Status != "" && j.Status != string(polyaxon.Succeeded) && j.Status != string(polyaxon.UpstreamFailed) {
			return j.Status
		}
	}
	switch {
	case len(r.Jobs) > 0 && r.ExitCode == 0:
		return r.Jobs[len(r.Jobs)-1].Status
	case r.ExitCode == 0:
		return "succeeded"
	}
	return "failed"
}
