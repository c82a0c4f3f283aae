package exit

import (
	"fmt"
	"strings"
)

// UsageError says that a command was called with invalid arguments.
type UsageError struct{ Message string }

// Error returns the message.
func (e *UsageError) Error() string { return e.Message }

// Usagef returns a *UsageError with a formatted message.
func Usagef(format string, args ...any) error { return &UsageError{fmt.Sprintf(format, args...)} }

// ProblemsError says that check found errors. The Result lists them.
type ProblemsError struct{ Errors, Warnings int }

// Error returns the number of errors and warnings.
func (e *ProblemsError) Error() string {
	return counted(e.Errors, "error") + " and " + counted(e.Warnings, "warning") + " in the Polyaxonfiles"
}

// ChecksError says that doctor found what keeps a deploy from working. The Result lists it.
// Its exit code is that of its causes.
type ChecksError struct {
	Failed int
	// Slow are the systems that did not answer in time.
	Slow   []string
	Causes []error
}

// Error returns how many checks failed, and which systems did not answer.
func (e *ChecksError) Error() string {
	var parts []string
	if e.Failed > 0 {
		parts = append(parts, counted(e.Failed, "check")+" failed")
	}
	if len(e.Slow) > 0 {
		parts = append(parts, "no answer in time from "+strings.Join(e.Slow, ", "))
	}
	return "a deploy would not work: " + strings.Join(parts, "; ")
}

// Unwrap returns the causes.
func (e *ChecksError) Unwrap() []error { return e.Causes }

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// ChangesError says that `plan --exit-code` found changes.
type ChangesError struct{ Count int }

// Error returns the number of changes.
func (e *ChangesError) Error() string {
	if e.Count == 1 {
		return "deploy would make 1 change"
	}
	return fmt.Sprintf("deploy would make %d changes", e.Count)
}
