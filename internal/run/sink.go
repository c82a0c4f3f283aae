package run

import (
	"sync"

	"github.com/slipway-ci/slipway/internal/polyaxon"
)

// lockedSink is a Sink that may be used by several goroutines.
type lockedSink struct {
	mu   sync.Mutex
	sink Sink
}

func (s *lockedSink) Status(c polyaxon.Condition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sink.Status(c)
}

func (s *lockedSink) Line(l polyaxon.LogLine) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sink.Line(l)
}

func (s *lockedSink) Waits(why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sink.Waits(why)
}

func (s *lockedSink) Note(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sink.Note(text)
}

func (s *lockedSink) Progress(how string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sink.Progress(how)
}
