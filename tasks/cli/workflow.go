package cli

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/slipway-ci/slipway/internal/actions"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/printer"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/tasks"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// workflow tells a GitHub workflow what happens: a job's lines stand in a group,
// errors are annotations at the file and line at fault, and the result becomes
// outputs and the step's summary.
type workflow struct {
	mu       sync.Mutex
	commands *actions.Commands
	next     report.Sink
	pace     *printer.Pace
	group    string
}

// Event implements report.Sink.
func (w *workflow) Event(e report.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	group := ""
	if e.Kind == report.Line {
		group = "log of " + e.Subject
	}
	switch e.Kind {
	case report.Detail:
		return
	case report.Progress:
		// How far it is, now and then: nobody sees a line move.
		if !w.pace.Due(e) {
			return
		}
		e.Kind = report.Advance
	case report.Advance:
		w.pace.Said(e)
	case report.Status:
		if !strings.Contains(e.Subject, "/") { // runs below a job's have no annotation, as a rule
			e.Message = printer.Ended(e.Message) // the annotation tells why
		}
	}
	w.enter(group)
	w.next.Event(e)
}

func (w *workflow) enter(group string) {
	if group == w.group {
		return
	}
	if w.group != "" {
		w.commands.EndGroup()
	}
	if w.group = group; group != "" {
		w.commands.Group(group)
	}
}

func (w *workflow) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.enter("")
}

// report writes annotations, outputs and the summary. What cannot be written
// does not change how the command ended; it is told as a warning.
func (w *workflow) report(r *report.Result, err error) {
	w.close()
	w.problems(r)
	shown := *r
	if err != nil {
		shown.Error = exit.Cause(err) // the summary has the last lines in a section of their own
	}
	for _, e := range source.Leaves(err) {
		if errors.As(e, new(*tasks.ProblemsError)) {
			continue // each one has an annotation of its own
		}
		var at source.Position
		message := e.Error()
		var located *source.Error
		if errors.As(e, &located) {
			at, message = located.Position, strings.TrimPrefix(located.Error(), located.Position.String()+": ")
		}
		w.commands.Error(at, "slipway "+r.Command, printer.Brief(printer.Harmless(message)))
	}
	outputs := map[string]string{"status": word(status(r))}
	for _, j := range r.Jobs {
		if j.UUID != "" {
			outputs["run-uuid"] = word(j.UUID) // the last job's: the end of the pipeline
		}
	}
	var images []string
	for _, i := range r.Images {
		images = append(images, i.Reference)
	}
	outputs["images"] = strings.Join(images, "\n")
	for name, value := range outputs {
		if err := w.commands.SetOutput(name, value); err != nil {
			w.next.Event(report.Event{Kind: report.Warning, Message: "output " + name + ": " + err.Error()})
		}
	}
	if err := w.commands.Summary(printer.Markdown(&shown)); err != nil {
		w.next.Event(report.Event{Kind: report.Warning, Message: "step summary: " + err.Error()})
	}
}

// word gives what a server has told if it is a plain word, and "unknown" otherwise:
// workflows put outputs into scripts.
func word(told string) string {
	if !plainWord.MatchString(told) {
		return "unknown"
	}
	return told
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_-]{0,64}$`)

// annotated tells whether an error has an annotation that is all of it, and need not be
// told again. The problems of check, which are counted, have one each; what is long, as
// the words of a compiler or a stack may be, is cut.
func annotated(err error) bool {
	return !errors.As(err, new(*tasks.ProblemsError)) && !errors.As(err, new(*panics.Error)) && len(err.Error()) < actions.MaxAnnotation/2
}

// problems annotates what check found, errors first. GitHub shows the first few
// annotations of a kind: the last of those says how many there are besides.
func (w *workflow) problems(r *report.Result) {
	for kind, annotate := range map[string]func(source.Position, string, string){"error": w.commands.Error, "warning": w.commands.Warning} {
		var all []report.Problem
		for _, p := range r.Problems {
			if p.Severity == kind {
				all = append(all, p)
			}
		}
		shown := all
		if len(all) > actions.MaxAnnotations {
			shown = all[:actions.MaxAnnotations-1]
		}
		for _, p := range shown {
			message := p.Message
			if len(p.Versions) > 0 {
				message += ", on Polyaxon " + strings.Join(p.Versions, " and ")
			}
			if p.Hint != "" {
				message += " (" + p.Hint + ")"
			}
			annotate(p.Position, p.Name, message)
		}
		if more := len(all) - len(shown); more > 0 {
			annotate(source.Position{}, "slipway "+r.Command, fmt.Sprintf("there are %d more; the log has them all", more))
		}
	}
}

// status is the end of the pipeline: of its last job that was reached, or of the
// command where there is none.
func status(r *report.Result) string {
	for _, j := range r.Jobs {
		if j.Status != "" && j.Status != "succeeded" && j.Status != "upstream_failed" {
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
