package report

// Kind is the kind of an Event.
type Kind int

// The kinds of events.
const (
	// Start is sent when a step begins.
	Start Kind = iota
	// Progress is sent while a step is in progress. It is shown where lines can be
	// overwritten, and otherwise only now and then.
	Progress
	// Done is sent when a step succeeded.
	Done
	// Failed is sent when a step failed. The error itself is returned at the end.
	Failed
	// Status is sent when the status of a run changed.
	Status
	// Line is a line of output of a run.
	Line
	// Note is something that the user should know.
	Note
	// Warning is something that the user should look at.
	Warning
	// Detail is only shown with --verbose.
	Detail
	// Advance is sent when a part of a step begins, or to say that a step is still in
	// progress. It is like Progress, but is always shown as a line of its own where lines
	// cannot be overwritten.
	Advance
)

// Event is one thing that happens while a command runs.
type Event struct {
	Kind Kind
	// Step is the step of the command: build, push, secrets, submit or run.
	Step string
	// Subject is the name of the image, Secret, job or other thing that the step is about.
	Subject string
	// Message says what happened.
	Message string
}

// Sink receives events as they happen. It must be safe for concurrent use.
type Sink interface {
	Event(Event)
}

// Discard is a Sink that drops all events.
type Discard struct{}

// Event implements Sink.
func (Discard) Event(Event) {}
