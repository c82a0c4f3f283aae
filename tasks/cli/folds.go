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
	// active are the runs that have not ended: of a job itself, and those below it, by the job and
	// their subjects.
	active map[string]map[string]bool
}

// of returns the title of the part that an event belongs to, or "".
func (f *folds) of(e report.Event) string {
	job, _, _ := strings.Cut(e.Subject, "/") // a run of a matrix belongs to its job
	switch {
	case e.Kind == report.Status && printer.Ended(e) && e.Subject == job:
		delete(f.active, job)
	case e.Kind == report.Status && printer.Ended(e):
		delete(f.active[job], e.Subject)
	case e.Kind == report.Status:
		if f.active[job] == nil {
			f.active[job] = map[string]bool{}
		}
		f.active[job][e.Subject] = true
	case e.Kind == report.Line && f.printing() < 2: // the lines of runs side by side would be torn into many parts
		return "log of " + e.Subject
	}
	return ""
}

// printing returns how many runs may print lines now. A run with runs below it prints none.
func (f *folds) printing() (n int) {
	for job, runs := range f.active {
		n += len(runs)
		if runs[job] && len(runs) > 1 {
			n--
		}
	}
	return n
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
