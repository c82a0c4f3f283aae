// Package source says where something stands in a file that a user wrote, and
// what is wrong with it there.
package source

import (
	"errors"
	"fmt"
	"strings"

	"github.com/slipway-ci/slipway/tasks/report"
)

// Position is a place in a file. Line and Column count from 1; zero means
// unknown, and a Position without a File stands for no place at all.
type Position = report.Position

// Error is one thing that is wrong with a user's file. It is an error of usage:
// slipway exits with 2, having changed nothing.
type Error struct {
	Position
	// Message says what is wrong, without a final period.
	Message string
	// Hint says what the user can do, where Message does not say it already.
	Hint string
	// Excerpt is the line at fault with a caret below, where it is worth showing.
	Excerpt string
	// Err is the cause, where there is one.
	Err error
}

// Excerpt gives a line with its number, and a caret below a column of it.
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

// Errorf gives an Error at p.
func Errorf(p Position, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Position: p, Message: err.Error(), Err: errors.Unwrap(err)}
}

// Error gives "file:line:column: message (hint)", and the line below.
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

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Nearest gives the candidate that is closest to name, and false when none is
// close enough to be what the user meant: about a third of the longer of the two
// may differ, counted in Damerau-Levenshtein edits.
func Nearest(name string, candidates []string) (string, bool) {
	best, bestDistance := "", -1
	for _, c := range candidates {
		d := distance(strings.ToLower(name), strings.ToLower(c))
		if d > (max(len(name), len(c))+1)/3 {
			continue
		}
		if bestDistance < 0 || d < bestDistance {
			best, bestDistance = c, d
		}
	}
	return best, bestDistance >= 0
}

// distance counts insertions, deletions, substitutions and swaps of neighbours.
func distance(a, b string) int {
	beforeLast, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], beforeLast[j-2]+1)
			}
		}
		beforeLast, last = last, row
	}
	return last[len(b)]
}
