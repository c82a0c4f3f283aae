package report

import "fmt"

// Kind says what an Event is.
type Kind int

// The kinds of events.
const (
	// Start: a step began.
	Start Kind = iota
	// Progress: a step goes on; shown where lines can be overwritten, and now and
	// then elsewhere.
	Progress
	// Done: a step ended well.
	Done
	// Failed: a step ended badly; the error itself follows at the end.
	Failed
	// Status: a run's status changed.
	Status
	// Line: a run printed a line.
	Line
	// Note: something the user should know.
	Note
	// Warning: something the user should look at.
	Warning
	// Detail: said only with --verbose.
	Detail
	// Advance: a part of a step begins, or a step says that it still goes on: Progress
	// that is a line of its own where lines cannot be overwritten.
	Advance
)

// Event is one thing that happens while a command works.
type Event struct {
	Kind Kind
	// Step is what is being done: build, push, secrets, submit, run.
	Step string
	// Subject is what it is done to: an image, a secret, a job.
	Subject string
	// Message says what happened.
	Message string
}

// key names the step and what it is done to.
func (e Event) key() string { return e.Step + "\x00" + e.Subject }

// Sink takes events as they happen. It may be called by several goroutines.
type Sink interface {
	Event(Event)
}

// Discard drops all events.
type Discard struct{}

// Event drops e.
func (Discard) Event(Event) {}

// Bytes gives n as people read sizes: 0 B, 640 B, 1.5 kB, 2.3 MB (powers of 1000).
func Bytes(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	value, unit := float64(n), -1
	for value >= 999.95 && unit < 4 {
		value /= 1000
		unit++
	}
	return fmt.Sprintf("%.1f %cB", value, "kMGTP"[unit])
}

// Part gives how much of a whole is done: 1.5 MB of 3.0 MB. What was sent twice counts
// once: it is never more than the whole.
func Part(done, whole int64) string { return Bytes(min(done, whole)) + " of " + Bytes(whole) }
