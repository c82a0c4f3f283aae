package exit

import "strings"

// Reported is an error of which events may have reported parts before it is returned.
type Reported interface {
	error
	// Cause returns the text of the error without the lines of the job that were printed.
	Cause() string
	// Rest returns the text of the error without everything that was printed.
	Rest() string
}

// Cause returns the text of err without lines of a job that events have reported.
func Cause(err error) string { return without(err, Reported.Cause) }

// Rest returns the text of err without anything that events have reported.
func Rest(err error) string { return without(err, Reported.Rest) }

// without returns the text of err, with each Reported in it replaced by its form.
func without(err error, form func(Reported) string) string {
	text := err.Error()
	for _, r := range reportedIn(err) {
		text = strings.ReplaceAll(text, r.Error(), form(r))
	}
	return text
}

// reportedIn returns each Reported in the tree of err.
func reportedIn(err error) []Reported {
	if r, ok := err.(Reported); ok { //nolint:errorlint // walks the tree itself
		return []Reported{r}
	}
	var all []Reported
	switch wrapped := err.(type) { //nolint:errorlint // walks the tree itself
	case interface{ Unwrap() []error }:
		for _, e := range wrapped.Unwrap() {
			all = append(all, reportedIn(e)...)
		}
	case interface{ Unwrap() error }:
		all = reportedIn(wrapped.Unwrap())
	}
	return all
}
