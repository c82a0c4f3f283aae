package run

import (
	"sync"

	"github.com/slipway-ci/slipway/internal/polyaxon"
)

// oneAtATime is a Sink that may be used by several goroutines.
type oneAtATime struct {
	mu   sync.Mutex
	sink Sink
}

func (s *oneAtATime) Status(c polyaxon.Condition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sink.Status(c)
}

func (s *oneAtATime) Line(l polyaxon.LogLine) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sink.Line(l)
}

func (s *oneAtATime) Waits(why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sink.Waits(why)
}

func (s *oneAtATime) Note(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sink.Note(text)
}

func (s *oneAtATime) Progress(how string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sink.Progress(how)
}
