package tasks

import "github.com/slipway-ci/slipway/tasks/report"

type (
	// Result is what a task found or did.
	Result = report.Result
	// Event reports something that happens while a task runs.
	Event = report.Event
	// Sink receives events as they happen. It may be called concurrently.
	Sink = report.Sink
	// Question is a question to the user.
	Question = report.Question
)
