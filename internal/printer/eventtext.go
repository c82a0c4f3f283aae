package printer

import (
	"fmt"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/tasks/report"
)

// eventText returns what an event says to people, made of its fields.
func eventText(e report.Event) string {
	text := e.Message
	switch e.Kind {
	case report.Status, report.Detail:
		text = status(e)
	case report.Progress, report.Advance:
		if e.Amount != nil {
			text = strings.TrimPrefix(text+": "+amount(e.Amount), ": ")
		}
		if e.Seconds > 0 {
			text += ", for " + time.Duration(e.Seconds*float64(time.Second)).Round(time.Second).String() + " now"
		}
	}
	return text
}

// status returns what an event says about a run.
func status(e report.Event) string {
	switch {
	case e.Waits:
		return "waits: " + e.Message
	case e.Run == "", e.Status == "": // the message of a job that was not submitted says so
		return e.Message
	case e.Message == "":
		return e.Status
	}
	return e.Status + ": " + e.Message
}

// amount returns how far a step is, such as "1.5 MB of 3.0 MB, 1 of 3 layers".
func amount(a *report.Amount) string {
	text := Part(a.Bytes, a.BytesTotal)
	if a.PartsTotal > 0 {
		text += fmt.Sprintf(", %d of %d %ss", a.Parts, a.PartsTotal, a.Unit)
	}
	return text
}

// Ended reports whether an event says that a run has ended, or that a job was not submitted.
// polyaxon.Done counts, although a server may let another one follow.
func Ended(e report.Event) bool {
	status := polyaxon.Status(e.Status)
	return e.Kind == report.Status && !e.Waits && (status.Terminal() || status == polyaxon.Done)
}

// failing reports whether an event says that a run failed, or that a job was not submitted.
func failing(e report.Event) bool { return Ended(e) && failure(e.Status) }

// failure reports whether a status is a failure.
func failure(status string) bool {
	return polyaxon.Status(status) == polyaxon.Failed || polyaxon.Status(status) == polyaxon.UpstreamFailed
}

// WithoutReason returns the event without the reason if it says that a run failed, and
// otherwise unchanged.
func WithoutReason(e report.Event) report.Event {
	if failing(e) && e.Run != "" {
		e.Message = ""
	}
	return e
}
