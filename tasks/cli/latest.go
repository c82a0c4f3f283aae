package cli

import (
	"sync"

	"github.com/slipway-ci/slipway/tasks/report"
)

// latest is a sink that remembers the step that started last, so that a fault can name it.
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
