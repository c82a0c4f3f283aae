package project

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/slipway-ci/slipway/tasks/report"
)

// The bounds of the events in a Result, which keep its JSON below 4 MB of plain text however
// long a command runs. report.Result documents them.
const (
	// maxEvents is how many events are kept.
	maxEvents = 5000
	// maxTexts is how many bytes the texts of these events have together, and maxText how many
	// those of one event have.
	maxTexts = 1 << 20
	maxText  = 4 << 10
)

// Recorder is a sink that gives events their time, passes them on, and keeps them for a
// Result.
type Recorder struct {
	next report.Sink
	now  func() time.Time

	mu     sync.Mutex
	result *report.Result
	// texts is the length of the texts of all events in result.
	texts  int
	closed bool
}

// NewRecorder returns a Recorder that reads the time from now and passes events on to next.
func NewRecorder(next report.Sink, now func() time.Time) *Recorder {
	return &Recorder{next: next, now: now, result: &report.Result{}}
}

// Into moves the events to a Result, and adds later events to it. The Result must not be read
// while events may come.
func (r *Recorder) Into(result *report.Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	result.Events, result.EventsOmitted = r.result.Events, r.result.EventsOmitted
	r.result = result
}

// Close ends the recording. Later events are only passed on. It is for commands that leave
// something behind that may still report an event.
func (r *Recorder) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
}

// Event implements report.Sink.
func (r *Recorder) Event(e report.Event) {
	r.next.Event(r.record(e))
}

// record returns the event with its time, and keeps it if it is one to keep.
func (r *Recorder) record(e report.Event) report.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	e.Time = r.now().UTC() // under the lock, so that the times are in order
	if r.closed || !isKept(e) {
		return e
	}
	short, ok := truncate(e)
	if !ok {
		r.result.EventsOmitted++
		return e
	}
	r.result.Events = append(r.result.Events, short)
	r.texts += length(short)
	for len(r.result.Events) > maxEvents || r.texts > maxTexts {
		r.omit(len(r.result.Events) / 2)
	}
	return e
}

// omit removes the event n.
func (r *Recorder) omit(n int) {
	r.texts -= length(r.result.Events[n])
	r.result.Events = slices.Delete(r.result.Events, n, n+1)
	r.result.EventsOmitted++
}

// isKept reports whether an event is kept for the Result. The output of runs and builds is not,
// and neither is progress.
func isKept(e report.Event) bool {
	switch e.Kind {
	case report.Line, report.Progress, report.Advance:
		return false
	case report.Detail:
		return e.Run != ""
	}
	return true
}

// truncate returns an event whose texts have at most maxText bytes. It removes lines from the
// end of the message. It does not cut a line: part of a secret could not be masked. It reports
// false if the texts besides the message are too long.
func truncate(e report.Event) (report.Event, bool) {
	room := maxText - (length(e) - len(e.Message))
	if room < 0 {
		return e, false
	}
	if len(e.Message) > room {
		e.Message = e.Message[:strings.LastIndexByte(e.Message[:room], '\n')+1]
	}
	return e, true
}

// length returns how many bytes the texts of an event have.
func length(e report.Event) int {
	return len(e.Step) + len(e.Subject) + len(e.Run) + len(e.Status) + len(e.Message)
}
