package report

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

// Sink takes events as they happen. It may be called by several goroutines.
type Sink interface {
	Event(Event)
}

// Discard drops all events.
type Discard struct{}

// Event drops e.
func (Discard) Event(Event) {}
