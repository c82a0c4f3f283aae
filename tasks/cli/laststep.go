package cli

import (
	"sync"

	"github.com/slipway-ci/slipway/tasks/report"
)

// lastStep is a sink that remembers the step that started last, so that a fault can name it.
type lastStep struct {
	next report.Sink
	mu   sync.Mutex
	text string
}

// Event implements report.Sink.
func (l *lastStep) Event(e report.Event) {
	if e.Kind == report.Start {
		l.mu.Lock()
		l.text = e.Step + " " + e.Subject
		l.mu.Unlock()
	}
	l.next.Event(e)
}

func (l *lastStep) step() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text
}
