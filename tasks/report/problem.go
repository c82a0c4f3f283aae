package report

import "fmt"

// Position is a place in a file. Lines and columns count from 1 and are 0 if they are
// unknown.
type Position struct {
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
}

// String returns file:line:column, without the parts that are unknown.
func (p Position) String() string {
	switch {
	case p.Line == 0:
		return p.File
	case p.Column == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Problem is one finding of check.
type Problem struct {
	Position
	// Length is how many characters are at fault, from the position on, or 0 if that is
	// unknown.
	Length   int    `json:"length,omitempty"`
	Severity string `json:"severity"` // error, warning
	// Name is the name of the rule. docs/lints.md has a section for each one.
	Name    string `json:"name,omitempty"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	// Stage is when Polyaxon would report the problem: submit, compile or run. It is "" if
	// Polyaxon never would.
	Stage string `json:"stage,omitempty"`
	// Versions are the versions of Polyaxon that have the problem. It is nil if all versions
	// that were checked have it.
	Versions []string `json:"versions,omitempty"`
	// Source is the line at fault.
	Source string `json:"source,omitempty"`
	// Fixable reports whether check --fix fixes the problem.
	Fixable bool `json:"fixable,omitempty"`
}

// Rule describes the rule that a Problem's name refers to.
type Rule struct {
	Name, Summary, Help, Severity string
}
