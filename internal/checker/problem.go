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

// problem converts a finding. versions are the releases that were checked for. A finding
// for only some of them is a warning if the releases are a guess.
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
		if c.VersionsGuessed {
			p.Severity = string(file.SeverityWarning)
		}
	}
	return p
}

// jobProblems converts the errors of filling a job's Polyaxonfile.
func jobProblems(err error) []report.Problem {
	var problems []report.Problem
	for _, leaf := range source.Flatten(err) {
		p := report.Problem{Severity: string(file.SeverityError), Name: lint.JobRule, Message: leaf.Error()}
		var located *source.Error
		if errors.As(leaf, &located) {
			p.Position, p.Message, p.Hint = located.Position, located.Message, located.Hint
		}
		problems = append(problems, p)
	}
	return problems
}

// dedupe removes duplicates, which occur when several files refer to the same file. It
// modifies problems.
func dedupe(problems []report.Problem) []report.Problem {
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
