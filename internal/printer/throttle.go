package printer

import (
	"sync"
	"time"

	"github.com/slipway-ci/slipway/tasks/report"
)

// progressInterval is how often the progress of a long step is printed.
const progressInterval = 15 * time.Second

// Throttle limits how often progress is printed where each line stays. It allows one line per
// step every 15 s, the first one 15 s after the step's first progress. It is safe for
// concurrent use.
type Throttle struct {
	now     func() time.Time
	mu      sync.Mutex
	printed map[string]time.Time
}

// NewThrottle returns a Throttle that reads the time from now.
func NewThrottle(now func() time.Time) *Throttle {
	return &Throttle{now: now, printed: map[string]time.Time{}}
}

// Due reports whether e should be printed. If it is, the step's next 15 s begin.
func (p *Throttle) Due(e report.Event) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	since, begun := p.printed[key(e)]
	if begun && now.Sub(since) < progressInterval {
		return false
	}
	p.printed[key(e)] = now
	return begun
}

// Reset records that another line about e's step was printed, which has the step wait 15 s
// again.
func (p *Throttle) Reset(e report.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.printed[key(e)] = p.now()
}

// key identifies the step of e and its subject.
func key(e report.Event) string { return e.Step + "\x00" + e.Subject }
