// Package source describes problems in the files of a user: their positions and messages.
package source

import (
	"errors"
	"fmt"
	"strings"

	"github.com/slipway-ci/slipway/tasks/report"
)

// Position is a position in a file. Line and Column count from 1, and 0 means unknown. A
// Position without a File is no position at all.
type Position = report.Position

// Error is a problem in a user's file. It is a usage error: slipway exits with code 2 and
// has changed nothing.
type Error struct {
	Position
	// Message says what is wrong, without a final period.
	Message string
	// Hint says what the user can do, unless Message already says so.
	Hint string
	// Excerpt is the line at fault with a caret below it, or "" when it is not worth showing.
	Excerpt string
	// Err is the cause, or nil.
	Err error
}

// Excerpt returns a line with its number, and a caret below the column of a position.
func Excerpt(line string, at Position) string {
	before := []rune(line)
	before = before[:min(max(at.Column-1, 0), len(before))]
	for i, c := range before {
		if c != '\t' {
			before[i] = ' '
		}
	}
	number := fmt.Sprintf("  %d |", at.Line)
	return number + " " + line + "\n" + strings.Repeat(" ", len(number)-1) + "| " + string(before) + "^"
}

// Errorf returns an Error at p. Its cause is the error that is formatted with %w, if any.
func Errorf(p Position, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Position: p, Message: err.Error(), Err: errors.Unwrap(err)}
}

// Error returns "file:line:column: message (hint)", followed by the excerpt on new lines.
func (e *Error) Error() string {
	var b strings.Builder
	if at := e.Position.String(); at != "" {
		b.WriteString(at + ": ")
	}
	b.WriteString(e.Message)
	if e.Hint != "" {
		b.WriteString(" (" + e.Hint + ")")
	}
	if e.Excerpt != "" {
		b.WriteString("\n" + e.Excerpt)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
