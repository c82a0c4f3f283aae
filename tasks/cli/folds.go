package cli

import (
	"strings"

	"github.com/slipway-ci/slipway/internal/printer"
	"github.com/slipway-ci/slipway/tasks/report"
)

// folds puts the lines of each job into a part of the log that readers can fold.
type folds struct {
	begin func(title string)
	end   func()
	// title is that of the part that has begun, or "".
	title string
	// active are the jobs with a run that has not ended.
	active map[string]bool
}

// of returns the title of the part that an event belongs to, or "".
func (f *folds) of(e report.Event) string {
	job, _, _ := strings.Cut(e.Subject, "/") // a run of a matrix belongs to its job
	switch {
	case e.Kind == report.Status && printer.Ended(e):
		delete(f.active, job)
	case e.Kind == report.Status:
		f.active[job] = true
	case e.Kind == report.Line && len(f.active) < 2: // the lines of jobs side by side would be torn into many parts
		return "log of " + e.Subject
	}
	return ""
}

// enter ends the part that has begun, and begins the one with a title, unless it is "".
func (f *folds) enter(title string) {
	if title == f.title {
		return
	}
	if f.title != "" {
		f.end()
	}
	if f.title = title; title != "" {
		f.begin(title)
	}
}
