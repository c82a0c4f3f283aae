package runs

import (
	"time"

	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/tasks/report"
)

// Report describes a run as a server lists it.
func Report(r *polyaxon.Run) report.Run {
	one := report.Run{UUID: r.UUID, RunName: r.Name, Kind: r.Kind, Status: string(r.Status), Inputs: r.Inputs, Tags: r.Tags}
	if !r.Status.Terminal() {
		one.Pending = r.Pending
	}
	if r.Runtime != "" {
		one.Kind = r.Runtime
	}
	if !r.CreatedAt.IsZero() {
		created := r.CreatedAt
		one.Created = &created
	}
	return one
}

// ReportOutcome describes a run that has ended.
func ReportOutcome(o *run.Outcome) report.Run {
	one := Report(&o.Run)
	one.Reason, one.Message = o.Reason()
	one.Metrics, one.NotFinite, one.Unread = o.Metrics, o.NotFinite, o.Unread
	one.Outputs, one.LastLines, one.LastLinesOf = o.Outputs, o.LastLines, o.Failure.LinesContainer()
	one.Times = times(o.Times)
	if f := o.Failure; f != nil {
		one.Failure = &report.Failure{Pod: f.Pod, Container: f.Container, OOMKilled: f.OOMKilled, Evicted: f.Evicted, Text: f.Text}
		if f.ExitCode >= 0 {
			one.Failure.ExitCode = &f.ExitCode
		}
	}
	return one
}

// times converts the times of a run to seconds.
func times(t run.Times) *report.Times {
	return &report.Times{Queued: seconds(t.Queued), Pulling: seconds(t.Pulling), Running: seconds(t.Running)}
}

// seconds converts a duration to seconds. It returns nil for nil.
func seconds(d *time.Duration) *float64 {
	if d == nil {
		return nil
	}
	seconds := d.Seconds()
	return &seconds
}
