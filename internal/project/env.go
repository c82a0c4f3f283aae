package project

import (
	"context"
	"net/http"
	"time"

	"github.com/slipway-ci/slipway/internal/clock"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/tasks/report"
)

// Env is the process and the machine that a project is opened in. Its fields are those of
// tasks.Env.
type Env struct {
	// Dir is where slipway.yaml is looked for. File, when it is not empty, is its path.
	Dir, File string
	// Environment is the one of slipway.yaml's environments to use.
	Environment string
	// Events takes what happens.
	Events report.Sink
	// Lookup reads an environment variable.
	Lookup func(string) (string, bool)
	// Machine is the name of this machine.
	Machine string
	// Environ is the environment of child processes.
	Environ []string
	// Now returns the time.
	Now func() time.Time
	// Sleep waits between tries; the clock does when it is nil.
	Sleep func(context.Context, time.Duration) error
	// Transport sends HTTP requests.
	Transport http.RoundTripper
	// Self is the command line that starts this program as the sandbox.
	Self []string
	// NoAttestations leaves out the SBOM and the provenance of images.
	NoAttestations bool
	// Version is this program's version.
	Version string
	// Secrets learns each secret value before it is used. It may be nil.
	Secrets Masker
}

// Masker knows the values that nobody may see, and the texts that everybody may.
type Masker interface {
	secret.Learner
	// Public takes texts that are not masked, although a secret value is part of them.
	Public(texts ...string)
}

// Event reports what happened to a subject in a step.
func (e *Env) Event(kind report.Kind, step, subject, message string) {
	e.Events.Event(report.Event{Kind: kind, Step: step, Subject: subject, Message: message})
}

// Note reports what the user should know, and that is not part of a step.
func (e *Env) Note(message string) { e.Event(report.Note, "", "", message) }

// Pause waits for d. When ctx ends before, Pause returns its error.
func (e *Env) Pause(ctx context.Context, d time.Duration) error {
	if e.Sleep != nil {
		return e.Sleep(ctx, d)
	}
	return clock.Wait(ctx, d)
}
