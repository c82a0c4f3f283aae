package tasks

import "github.com/slipway-ci/slipway/tasks/report"

type (
	// Result is what a task found or did.
	Result = report.Result
	// Event is one thing that happens on the way there.
	Event = report.Event
	// Sink takes events as they happen. Several goroutines may call it.
	Sink = report.Sink
)
