package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/slipway-ci/slipway/internal/actions"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/printer"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/tasks"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// workflow is a sink that reports to a GitHub workflow. The lines of a job form a group,
// errors become annotations at the file and line at fault, and the result becomes outputs
// and the step summary.
type workflow struct {
	mu       sync.Mutex
	commands *actions.Commands
	next     report.Sink
	throttle *printer.Throttle
	folds
	// encode returns the JSON that write encodes, with secrets masked.
	encode func(write func(io.Writer) error) ([]byte, error)
}

func newWorkflow(commands *actions.Commands, to *streams, next report.Sink, now func() time.Time) *workflow {
	return &workflow{commands: commands, encode: to.encoded, next: next, throttle: printer.NewThrottle(now), folds: folds{begin: commands.Group, end: commands.EndGroup, active: map[string]map[string]bool{}}}
}

// Event implements report.Sink.
func (w *workflow) Event(e report.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	group := w.of(e)
	switch e.Kind {
	case report.Detail:
		w.next.Event(e)
		return
	case report.Warning:
		w.enter("")
		w.commands.Warning(source.Position{}, "slipway", printer.ShortenIDs(e.Message))
		return
	case report.Progress:
		// Print progress only now and then: a log cannot update a line in place.
		if !w.throttle.Due(e) {
			return
		}
		e.Kind = report.Advance
	case report.Advance:
		w.throttle.Reset(e)
	case report.Status:
		if !strings.Contains(e.Subject, "/") { // runs below a job's run usually have no annotation
			e = printer.WithoutReason(e) // the annotation says why
		}
	}
	w.enter(group)
	w.next.Event(e)
}

func (w *workflow) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.enter("")
}

// report writes annotations, outputs and the step summary. If one of them cannot be written,
// that is a warning and does not change how the command ended.
func (w *workflow) report(r *report.Result, err error) {
	w.close()
	if r.LeftOut != nil {
		w.commands.Notice(source.Position{}, titleOf(r), printer.ShortenIDs(printer.LeftOut(r)))
	}
	w.problems(r)
	shown := *r
	if err != nil {
		shown.Error = exit.Cause(err) // the summary shows the last lines in a section of their own
	}
	for _, e := range source.Flatten(err) {
		if errors.As(e, new(*tasks.ProblemsError)) {
			continue // each problem has its own annotation
		}
		var at source.Position
		message := e.Error()
		var located *source.Error
		if errors.As(e, &located) && located.Line > 0 { // without a line, File may be a flag
			at, message = located.Position, strings.TrimPrefix(located.Error(), located.Position.String()+": ")
		}
		if failed := new(tasks.RunError); errors.As(e, &failed) && failed.At.File != "" {
			at = failed.At
		}
		w.commands.Error(at, titleOf(r), printer.ShortenIDs(message))
	}
	w.output(r)
	if err := w.commands.Summary(printer.Summary(&shown)...); err != nil {
		w.next.Event(report.Event{Kind: report.Warning, Message: "step summary: " + err.Error()})
	}
}

// titleOf returns the title of an annotation. A result has no command if the command line is not valid.
func titleOf(r *report.Result) string { return strings.TrimSpace("slipway " + r.Command) }

// annotated reports whether an annotation contains all of an error, so that the error need
// not be printed again. It does not for the problems of check, which have one annotation
// each, and for long errors such as the output of a compiler or a stack, which are cut.
func annotated(err error) bool {
	return !errors.As(err, new(*tasks.ProblemsError)) && !errors.As(err, new(*panics.Error)) && len(err.Error()) < actions.MaxAnnotation/2
}

// problems writes an annotation for each finding of check. GitHub shows only the first few
// annotations of a kind, so the last of these says how many more there are.
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
			annotate(source.Position{}, titleOf(r), fmt.Sprintf("%d more problems are in the log", more))
		}
	}
}
