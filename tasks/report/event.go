package report

import (
	"fmt"
	"slices"
	"time"
)

// Kind is the kind of an Event.
type Kind int

// The kinds of events.
const (
	// Start is sent when a step begins. Not every step has a Start: submit has none.
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

var kindNames = [...]string{
	Start: "start", Progress: "progress", Done: "done", Failed: "failed", Status: "status", Line: "line",
	Note: "note", Warning: "warning", Detail: "detail", Advance: "advance",
}

// String returns the name of the kind, such as "start".
func (k Kind) String() string {
	if k < 0 || int(k) >= len(kindNames) {
		return fmt.Sprintf("Kind(%d)", int(k))
	}
	return kindNames[k]
}

// MarshalText implements encoding.TextMarshaler. JSON has the name of the kind.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (k *Kind) UnmarshalText(text []byte) error {
	n := slices.Index(kindNames[:], string(text))
	if n < 0 {
		return fmt.Errorf("unknown kind of event %q", text)
	}
	*k = Kind(n)
	return nil
}

// Event is one thing that happens while a command runs. What people read is made of its
// fields when it is shown.
type Event struct {
	// Time is when it happened, in UTC.
	Time time.Time `json:"time"`
	Kind Kind      `json:"kind"`
	// Step is the step of the command, such as image, secrets, submit or run.
	Step string `json:"step,omitempty"`
	// Subject is the name of the image, Secret, job or other thing that the step is about.
	Subject string `json:"subject,omitempty"`
	// Run is the id of the run that the event is about. Status is the run's status, by
	// Polyaxon's names. A job that was not submitted has the status upstream_failed and no Run.
	Run    string `json:"run,omitempty"`
	Status string `json:"status,omitempty"`
	// Waits reports whether the run waits. Message says what for.
	Waits bool `json:"waits,omitempty"`
	// Amount is how much of the step is done. It is nil if that is unknown.
	Amount *Amount `json:"amount,omitempty"`
	// Seconds is how long the step has been in progress, if it has reported nothing new for a
	// while.
	Seconds float64 `json:"seconds,omitempty"`
	// Message is text for people. Programs should use the other fields.
	Message string `json:"message,omitempty"`
}

// Amount is how much of a step is done.
type Amount struct {
	// Bytes of BytesTotal were sent or received. What was there already is not sent.
	Bytes      int64 `json:"bytes"`
	BytesTotal int64 `json:"bytes_total"`
	// Parts of PartsTotal are done. Unit says what a part is: "layer" or "file".
	Parts      int    `json:"parts,omitempty"`
	PartsTotal int    `json:"parts_total,omitempty"`
	Unit       string `json:"unit,omitempty"`
}

// Sink receives events as they happen. It must be safe for concurrent use.
type Sink interface {
	Event(Event)
}

// Discard is a Sink that drops all events.
type Discard struct{}

// Event implements Sink.
func (Discard) Event(Event) {}
