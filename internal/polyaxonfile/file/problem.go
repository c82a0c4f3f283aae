package file

import (
	"errors"
	"slices"

	"github.com/slipway-ci/slipway/internal/source"
)

// Severity is how serious a Problem is.
type Severity string

// The severities of a Problem.
const (
	// SeverityError means that a run would fail, or do something other than what is written.
	SeverityError Severity = "error"
	// SeverityWarning means that the text may be intended.
	SeverityWarning Severity = "warning"
)

// Stage is the point at which a Problem takes effect.
type Stage string

// The stages of a Problem.
const (
	// StageSubmit means that the server refuses the request.
	StageSubmit Stage = "submit"
	// StageCompile means that the server accepts the request, and the run fails when it is
	// compiled.
	StageCompile Stage = "compile"
	// StageRun means that the run compiles, and then its pod cannot be created or does
	// something else.
	StageRun Stage = "run"
	// StageAdvice means that no server fails. slipway still refuses the file when the Severity
	// is SeverityError, for example for a repeated key, of which servers silently take the
	// last.
	StageAdvice Stage = "advice"
)

// Problem is something that is wrong, or looks wrong, in a Polyaxonfile.
type Problem struct {
	source.Error
	Stage    Stage
	Severity Severity
	// Name identifies the kind of problem, for example unknown-key.
	Name string
	// Path is the keys and indexes that lead to the value.
	Path []string
}

// Errors returns the problems of SeverityError as *source.Error, joined in the order of
// their lines and columns. It returns nil when there are none.
func Errors(problems []Problem) error {
	problems = slices.Clone(problems)
	slices.SortStableFunc(problems, func(a, b Problem) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	var errs []error
	for i := range problems {
		if problems[i].Severity == SeverityError {
			errs = append(errs, &problems[i].Error)
		}
	}
	return errors.Join(errs...)
}
