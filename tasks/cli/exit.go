package cli

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/actions"
	"github.com/slipway-ci/slipway/internal/printer"
	"github.com/slipway-ci/slipway/tasks"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// ExitError is an error that has already been printed, with its exit code. mage exits with
// its ExitStatus.
type ExitError struct {
	Code int
	Err  error
}

// Error returns the exit code as text.
func (e *ExitError) Error() string { return fmt.Sprintf("exit code %d", e.Code) }

// Unwrap returns the error that was printed.
func (e *ExitError) Unwrap() error { return e.Err }

// ExitStatus returns the exit code.
func (e *ExitError) ExitStatus() int { return e.Code }

// refuse prints an error of the command line as fail does. In a workflow it reports it as Run does the
// error of a task: the page of the run shows it, and the step has outputs.
func (a *App) refuse(err error) error {
	commands, ok := actions.New(a.open().err, a.open().secrets.Mask, os.LookupEnv)
	if !ok {
		return a.fail(err)
	}
	code := tasks.ExitCode(err)
	newWorkflow(commands, a.open(), a.sink(), time.Now).report(&report.Result{Command: a.name, ExitCode: code, Error: err.Error()}, err)
	if !annotated(err) {
		return a.fail(err)
	}
	return &ExitError{Code: code, Err: err}
}

// fail prints err without the parts that events have reported, and returns an *ExitError.
func (a *App) fail(err error) error {
	name := "slipway:"
	if a.color() {
		name = "\x1b[31m" + name + "\x1b[0m"
	}
	text := exit.Rest(err)
	if a.Quiet {
		text = err.Error() // in quiet mode only the worst events were printed
	}
	_, _ = fmt.Fprintf(a.open().err, "%s %s\n", name, printer.ShortenIDs(printer.EscapeText(strings.ReplaceAll(text, "\n", "\n  "))))
	return &ExitError{Code: tasks.ExitCode(err), Err: err}
}
