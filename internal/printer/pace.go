package printer

import (
	"sync"
	"time"

	"github.com/slipway-ci/slipway/tasks/report"
)

// progressEvery is how often a line says how far a step is that goes on for long.
const progressEvery = 15 * time.Second

// Pace chooses the Progress that is told where each one is a line that stays: one of a
// step every 15 s, from 15 s after its first. It is safe for use by several goroutines.
type Pace struct {
	now  func() time.Time
	mu   sync.Mutex
	told map[string]time.Time
}

// NewPace gives a Pace by a clock.
func NewPace(now func() time.Time) *Pace { return &Pace{now: now, told: map[string]time.Time{}} }

// Due tells whether e is told.
func (p *Pace) Due(e report.Event) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	since, begun := p.told[key(e)]
	if begun && now.Sub(since) < progressEvery {
		return false
	}
	p.told[key(e)] = now
	return begun
}

// Said takes that something else was told of e's step.
func (p *Pace) Said(e report.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.told[key(e)] = p.now()
}

// key names what e is about: the step, and what it is done to.
func key(e report.Event) string { return e.Step + "\x00" + e.Subject }
