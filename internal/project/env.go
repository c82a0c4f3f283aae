package project

import (
	"context"
	"net/http"
	"time"

	"github.com/slipway-ci/slipway/internal/clock"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/tasks/report"
)

// Env describes the process and the machine that a project is opened in. Its fields are
// those of tasks.Env.
type Env struct {
	// Dir is the directory in which slipway.yaml is searched for. File is the path of
	// slipway.yaml; if it is set, nothing is searched.
	Dir, File string
	// Environment is the name of the environment of slipway.yaml to use.
	Environment string
	// Events receives the events, and keeps them for the Result.
	Events *Recorder
	// Lookup reads an environment variable.
	Lookup func(string) (string, bool)
	// Machine is the name of this machine.
	Machine string
	// Environ is the environment of child processes.
	Environ []string
	// Now returns the time.
	Now func() time.Time
	// Sleep waits between retries. If it is nil, the system's clock is used.
	Sleep func(context.Context, time.Duration) error
	// Transport sends HTTP requests.
	Transport http.RoundTripper
	// Self is the command line that runs this program as the sandbox.
	Self []string
	// Plugin is the command line with which kubectl runs this program for credentials.
	Plugin []string
	// NoAttestations omits the SBOM and the provenance of images.
	NoAttestations bool
	// Version is this program's version.
	Version string
	// Secrets is told each secret value before the value is used. It may be nil.
	Secrets Masker
}

// Masker masks secret values in output, except in texts that are public.
type Masker interface {
	secret.Learner
	// Public adds texts that are not masked, even if they contain a secret value.
	Public(texts ...string)
}

// MaskJSON returns a JSON text with all secret values masked inside of strings, if Secrets can mask.
func (e *Env) MaskJSON(text []byte) []byte {
	if m, can := e.Secrets.(interface{ MaskJSON(text []byte) []byte }); can {
		return m.MaskJSON(text)
	}
	return text
}

// Result returns a new Result of a command with the events so far. Later events are added to
// it.
func (e *Env) Result(command string) *report.Result {
	result := &report.Result{Command: command}
	e.Events.Into(result)
	return result
}

// Report reports an event, whose time is now.
func (e *Env) Report(event report.Event) { e.Events.Event(event) }

// Event reports what happened to a subject in a step.
func (e *Env) Event(kind report.Kind, step, subject, message string) {
	e.Report(report.Event{Kind: kind, Step: step, Subject: subject, Message: message})
}

// Note reports something that the user should know and that is not part of a step.
func (e *Env) Note(message string) { e.Event(report.Note, "", "", message) }

// Pause waits for d. If ctx is done before that, Pause returns the error of ctx.
func (e *Env) Pause(ctx context.Context, d time.Duration) error {
	if e.Sleep != nil {
		return e.Sleep(ctx, d)
	}
	return clock.Sleep(ctx, d)
}
