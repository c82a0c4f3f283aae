package cli

import (
	"sync"

	"github.com/slipway-ci/slipway/tasks/report"
)

// latest knows the step that began last, for a fault to name it.
type latest struct {
	next report.Sink
	mu   sync.Mutex
	said string
}

// Event implements report.Sink.
func (l *latest) Event(e report.Event) {
	if e.Kind == report.Start {
		l.mu.Lock()
		l.said = e.Step + " " + e.Subject
		l.mu.Unlock()
	}
	l.next.Event(e)
}

func (l *latest) step() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.said
}
