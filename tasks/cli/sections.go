package cli

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/slipway-ci/slipway/internal/printer"
	"github.com/slipway-ci/slipway/tasks/report"
)

// sections is a sink that puts the lines of a job into a section of GitLab's log
// (docs.gitlab.com/ci/jobs/job_logs, "Custom collapsible sections").
type sections struct {
	mu   sync.Mutex
	next report.Sink
	folds
}

// newSections returns a sink that writes the marks of sections to w.
func newSections(w io.Writer, next report.Sink, now func() time.Time) *sections {
	count := 0
	mark := func(what, title string) {
		_, _ = fmt.Fprintf(w, "\x1b[0Ksection_%s:%d:slipway_%d\r\x1b[0K%s\n", what, now().Unix(), count, title) // there is no other place to report that the log is gone
	}
	return &sections{next: next, folds: folds{
		begin: func(title string) { count++; mark("start", printer.EscapeLines(title)) }, end: func() { mark("end", "") }, active: map[string]map[string]bool{},
	}}
}

// Event implements report.Sink.
func (s *sections) Event(e report.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.enter(s.of(e))
	s.next.Event(e)
}

func (s *sections) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.enter("")
}
