package exit

import "fmt"

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
