package exit

import "strings"

// Told is an error of which events have told parts while it came about.
type Told interface {
	error
	// Cause is the error without what was told of the lines that a job printed.
	Cause() string
	// Rest is the error without all that was told.
	Rest() string
}

// Cause gives an error's text without lines that events have told.
func Cause(err error) string { return without(err, Told.Cause) }

// Rest gives an error's text without anything that events have told.
func Rest(err error) string { return without(err, Told.Rest) }

// without gives an error's text with another form of each Told in it.
func without(err error, form func(Told) string) string {
	text := err.Error()
	for _, told := range toldIn(err) {
		text = strings.ReplaceAll(text, told.Error(), form(told))
	}
	return text
}

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
