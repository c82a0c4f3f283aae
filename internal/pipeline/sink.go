package pipeline

import (
	"strings"

	"github.com/slipway-ci/slipway/internal/logline"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/tasks/report"
)

// sink reports what happens in a run.
type sink struct {
	*project.Env
	job string
	// uuid is the id of the run.
	uuid    string
	pending *pendingWatch
	origins run.Origins
	// child reports whether the run is below a job's run. No error will say how such a run
	// ended.
	child bool
	// end is the message of the last final status, as reported. status is the last status.
	end    string
	status polyaxon.Status
}

// Status implements run.Sink.
func (s *sink) Status(c polyaxon.Condition) {
	s.pending.record(c)
	if c.Type != polyaxon.Warning {
		s.status = c.Type
	}
	why, more, _ := strings.Cut(strings.TrimSpace(c.Message), "\n")
	switch {
	case !c.Type.Terminal():
	case !s.child && (more != "" || c.Reason == "DeadlineExceeded" || polyaxon.CompileErrorOf([]polyaxon.Condition{c}) != nil):
		why = "" // the error says this in full, with a hint or at the line of the user's file
	default:
		s.end = why
	}
	if !notable(c.Type) {
		why = ""
	}
	kind := report.Status
	switch {
	case c.Type == polyaxon.Warning, c.Type == polyaxon.Unschedulable: // Waits reports these
		kind = report.Detail
	case !notable(c.Type) && c.Type != polyaxon.Running && !c.Type.Terminal():
		kind = report.Detail
	}
	s.send(report.Event{Kind: kind, Status: string(c.Type), Message: logline.Sanitize(why)})
}

// notable reports whether the message of a status matters to the user. It also reports true
// for a status that slipway does not know.
func notable(s polyaxon.Status) bool {
	switch s {
	case polyaxon.Unschedulable, polyaxon.Warning, polyaxon.Failed, polyaxon.UpstreamFailed, polyaxon.Stopping, polyaxon.Stopped, polyaxon.Skipped, polyaxon.Retrying:
		return true
	}
	return !s.Known()
}

// Line implements run.Sink.
func (s *sink) Line(l polyaxon.LogLine) {
	s.send(report.Event{Kind: report.Line, Message: s.origins.Before(&l) + logline.Sanitize(l.Value)})
}

// Waits implements run.Sink.
func (s *sink) Waits(why string) {
	s.pending.reason(why)
	s.send(report.Event{Kind: report.Status, Status: string(s.status), Waits: true, Message: why})
}

// Progress implements run.Sink.
func (s *sink) Progress(text string) {
	s.send(report.Event{Kind: report.Progress, Message: logline.Sanitize(text)})
}

// Note implements run.Sink.
func (s *sink) Note(text string) { s.send(report.Event{Kind: report.Note, Message: text}) }

// send reports an event of the run.
func (s *sink) send(e report.Event) {
	e.Step, e.Subject, e.Run = "run", s.job, s.uuid
	s.Report(e)
}
