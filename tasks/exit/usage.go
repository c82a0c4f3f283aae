package exit

import "fmt"

// UsageError is a command line that makes no sense.
type UsageError struct{ Message string }

// Error gives the message.
func (e *UsageError) Error() string { return e.Message }

// Usagef returns a *UsageError.
func Usagef(format string, args ...any) error { return &UsageError{fmt.Sprintf(format, args...)} }

// ProblemsError says that check found errors. The Result has them.
type ProblemsError struct{ Errors, Warnings int }

// Error counts them.
func (e *ProblemsError) Error() string {
	return counted(e.Errors, "error") + " and " + counted(e.Warnings, "warning") + " in the Polyaxonfiles"
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// ChangesError is how `plan --exit-code` says that there are changes.
type ChangesError struct{ Count int }

// Error counts the changes.
func (e *ChangesError) Error() string {
	if e.Count == 1 {
		return "deploy would make 1 change"
	}
	return fmt.Sprintf("deploy would make %d changes", e.Count)
}
