package exit

import "strings"

// Told is an error of which events may have reported parts before it is returned.
type Told interface {
	error
	// Cause returns the text of the error without the lines of the job that were printed.
	Cause() string
	// Rest returns the text of the error without everything that was printed.
	Rest() string
}

// Cause returns the text of err without lines of a job that events have reported.
func Cause(err error) string { return without(err, Told.Cause) }

// Rest returns the text of err without anything that events have reported.
func Rest(err error) string { return without(err, Told.Rest) }

// without returns the text of err, with each Told in it replaced by its form.
func without(err error, form func(Told) string) string {
	text := err.Error()
	for _, told := range toldIn(err) {
		text = strings.ReplaceAll(text, told.Error(), form(told))
	}
	return text
}

// toldIn returns each Told in the tree of err.
func toldIn(err error) []Told {
	if told, ok := err.(Told); ok { //nolint:errorlint // walks the tree itself
		return []Told{told}
	}
	var all []Told
	switch wrapped := err.(type) { //nolint:errorlint // walks the tree itself
	case interface{ Unwrap() []error }:
		for _, e := range wrapped.Unwrap() {
			all = append(all, toldIn(e)...)
		}
	case interface{ Unwrap() error }:
		all = toldIn(wrapped.Unwrap())
	}
	return all
}
