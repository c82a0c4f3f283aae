package tasks

import (
	"io"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/tasks/report"
)

// overtime is how much longer than its time limit a run may run before slipway
// stops it: servers enforce limits themselves, those that do not are helped.
const overtime = time.Minute

// limitOf gives how long slipway lets a job run, 0 for ever.
func limitOf(j *config.Job) time.Duration {
	if j.Timeout == 0 {
		return 0
	}
	return j.Timeout + overtime
}

// jobSink makes events of what a run does.
type jobSink struct {
	*project
	job     string
	pending *pendingWatch
	origins run.Origins
	// below tells that the run is one below a job's, whose end no error tells.
	below bool
	// end is the cause of the run's end, as it was told, and status the last one.
	end    string
	status polyaxon.Status
}

// Status implements run.Sink.
func (s *jobSink) Status(c polyaxon.Condition) {
	s.pending.saw(c)
	if c.Type != polyaxon.Warning {
		s.status = c.Type
	}
	message := string(c.Type)
	why, more, _ := strings.Cut(strings.TrimSpace(c.Message), "\n")
	switch {
	case !c.Type.Terminal():
	case !s.below && (more != "" || c.Reason == "DeadlineExceeded" || polyaxon.AsCompileError([]polyaxon.Condition{c}) != nil):
		why = "" // told in the error: whole, with what to do, or at the line of the user's file
	default:
		s.end = why
	}
	if why != "" && notable(c.Type) {
		message += ": " + run.Sanitize(why)
	}
	kind := report.Status
	switch {
	case c.Type == polyaxon.Warning, c.Type == polyaxon.Unschedulable: // Waits tells them
		kind = report.Detail
	case !notable(c.Type) && c.Type != polyaxon.Running && !c.Type.Terminal():
		kind = report.Detail
	}
	s.event(kind, "run", s.job, message)
}

// notable statuses come with a message that the user needs, and so does one that
// slipway does not know.
func notable(s polyaxon.Status) bool {
	switch s {
	case polyaxon.Unschedulable, polyaxon.Warning, polyaxon.Failed, polyaxon.UpstreamFailed, polyaxon.Stopping, polyaxon.Stopped, polyaxon.Skipped, polyaxon.Retrying:
		return true
	}
	return !s.Known()
}

// Line implements run.Sink.
func (s *jobSink) Line(l polyaxon.LogLine) {
	s.event(report.Line, "run", s.job, s.origins.Before(&l)+run.Sanitize(l.Value))
}

// Waits implements run.Sink.
func (s *jobSink) Waits(why string) {
	s.pending.reason(why)
	s.event(report.Status, "run", s.job, "waits: "+why)
}

// Progress implements run.Sink.
func (s *jobSink) Progress(text string) {
	s.event(report.Progress, "run", s.job, run.Sanitize(text))
}

// Note implements run.Sink.
func (s *jobSink) Note(text string) { s.event(report.Note, "run", s.job, text) }

// lineSink writes a run's lines as they are, made harmless and masked.
type lineSink struct {
	*project
	w       io.Writer
	origins run.Origins
	// count is how many lines there were.
	count int
}

// Status implements run.Sink.
func (s *lineSink) Status(c polyaxon.Condition) {
	s.event(report.Detail, "run", "", string(c.Type))
}

// Line implements run.Sink. A reader that has gone away ends the command by
// SIGPIPE or by its context, not here.
func (s *lineSink) Line(l polyaxon.LogLine) {
	s.count++
	_, _ = io.WriteString(s.w, s.origins.Before(&l)+run.Sanitize(l.Value)+"\n")
}

// Waits implements run.Sink.
func (s *lineSink) Waits(why string) { s.event(report.Status, "run", "", "waits: "+why) }

// Progress implements run.Sink: only what stays is written.
func (s *lineSink) Progress(string) {}

// Note implements run.Sink.
func (s *lineSink) Note(text string) { s.event(report.Note, "run", "", text) }
