package printer

import (
	"sync"
	"time"

	"github.com/slipway-ci/slipway/tasks/report"
)

// progressEvery is how often the progress of a long step is printed.
const progressEvery = 15 * time.Second

// Pace limits how often progress is printed where each line stays. It allows one line per
// step every 15 s, the first one 15 s after the step's first progress. It is safe for
// concurrent use.
type Pace struct {
	now  func() time.Time
	mu   sync.Mutex
	told map[string]time.Time
}

// NewPace returns a Pace that reads the time from now.
func NewPace(now func() time.Time) *Pace { return &Pace{now: now, told: map[string]time.Time{}} }

// Due reports whether e should be printed. If it is, the step's next 15 s begin.
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

// Said records that another line about e's step was printed, which has the step wait 15 s
// again.
func (p *Pace) Said(e report.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.told[key(e)] = p.now()
}

// key identifies the step of e and its subject.
func key(e report.Event) string { return e.Step + "\x00" + e.Subject }
