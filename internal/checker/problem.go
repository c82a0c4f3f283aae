package checker

import (
	"errors"
	"slices"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/lint"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/tasks/report"
)

// problem makes a report of a finding. One that is for some of the versions only,
// when nobody said which of them counts, is a warning.
func (c *Checker) problem(f *lint.Finding, versions []schema.Version) report.Problem {
	p := report.Problem{
		Position: f.Position, Length: f.Length, Severity: string(f.Severity), Name: f.Rule, Message: f.Message, Hint: f.Hint, Source: f.Line, Fixable: f.Fixable(),
	}
	if f.Stage != file.StageAdvice {
		p.Stage = string(f.Stage)
	}
	if len(f.Versions) < len(versions) {
		for _, v := range f.Versions {
			p.Versions = append(p.Versions, v.Short())
		}
		if c.Guessed {
			p.Severity = string(file.SeverityWarning)
		}
	}
	return p
}

// jobProblems makes problems of the errors of filling in a job.
func jobProblems(err error) []report.Problem {
	var problems []report.Problem
	for _, leaf := range source.Leaves(err) {
		p := report.Problem{Severity: string(file.SeverityError), Name: lint.JobRule, Message: leaf.Error()}
		var located *source.Error
		if errors.As(leaf, &located) {
			p.Position, p.Message, p.Hint = located.Position, located.Message, located.Hint
		}
		problems = append(problems, p)
	}
	return problems
}

// once leaves out what was found again, by another file that refers to the same one.
func once(problems []report.Problem) []report.Problem {
	type key struct {
		at            report.Position
		name, message string
	}
	seen := map[key]bool{}
	return slices.DeleteFunc(problems, func(p report.Problem) bool {
		k := key{p.Position, p.Name, p.Message}
		again := seen[k]
		seen[k] = true
		return again
	})
}
