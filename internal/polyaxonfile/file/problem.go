package file

import (
	"errors"
	"slices"

	"github.com/slipway-ci/slipway/internal/source"
)

// Severity says how bad a Problem is.
type Severity string

// The severities.
const (
	// SeverityError: a run would fail, or do something else than is written.
	SeverityError Severity = "error"
	// SeverityWarning: it may be meant.
	SeverityWarning Severity = "warning"
)

// Stage says when a Problem hurts.
type Stage string

// The stages.
const (
	// StageSubmit: the server refuses the request.
	StageSubmit Stage = "submit"
	// StageCompile: the server takes the request, and the run fails when it is compiled.
	StageCompile Stage = "compile"
	// StageRun: the run is compiled, and its pod cannot be made or does something else.
	StageRun Stage = "run"
	// StageAdvice: no server fails. slipway refuses it all the same where Severity is
	// SeverityError: a repeated key, of which servers silently take the last.
	StageAdvice Stage = "advice"
)

// Problem is one thing that is wrong, or looks wrong, with a Polyaxonfile.
type Problem struct {
	source.Error
	Stage    Stage
	Severity Severity
	// Name is the same for the same mistake: unknown-key.
	Name string
	// Path is the keys and indexes that lead to the place.
	Path []string
}

// Errors gives the problems that are errors, as *source.Error in the order of
// the file, joined; nil when there are none.
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
