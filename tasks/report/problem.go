package report

import "fmt"

// Position is a place in a file: lines and columns count from 1, and are 0 where they
// are not known.
type Position struct {
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
}

// String returns file:line:column, without what is not known.
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
	// Length is how many characters from the position on are at fault, 0 when that is
	// not known.
	Length   int    `json:"length,omitempty"`
	Severity string `json:"severity"` // error, warning
	// Name is the rule's; docs/lints.md has a section for it.
	Name    string `json:"name,omitempty"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	// Stage is when Polyaxon would find it: submit, compile or run; left out where it
	// never would.
	Stage string `json:"stage,omitempty"`
	// Versions are those of Polyaxon that it is for, where that is not all of those
	// that were checked.
	Versions []string `json:"versions,omitempty"`
	// Source is the line at fault.
	Source string `json:"source,omitempty"`
	// Fixable tells that check --fix mends it.
	Fixable bool `json:"fixable,omitempty"`
}

// Rule is what a Problem's name stands for.
type Rule struct {
	Name, Summary, Help, Severity string
}
