// Package tasks is what slipway does, one file per target. It is a plain
// library: the magefile, the binary and the action call it (see
// tasks/cli). A task takes a context, an Env and its options, tells what
// happens as events, and returns a Result with an error; it prints nothing and
// ends no process. Exit codes come from the errors' types (ExitCode).
package tasks

import (
	"context"
	"io"
	"net/http"
	"time"
)

// Env is the world that a task runs in: cli.Open().Env() is that of this process. Stdout,
// Events, Lookup, Now and Transport must be there.
type Env struct {
	// Dir is where to look for slipway.yaml (-C); File names it instead (-f).
	Dir, File string
	// Environment is the one of slipway.yaml's environments to use (--env).
	Environment string
	// Stdout takes what is streamed as a result: the lines of `logs`.
	Stdout io.Writer
	// Events takes what happens meanwhile.
	Events Sink
	// Lookup reads the environment.
	Lookup func(string) (string, bool)
	// Machine is this machine's name, for others to know who started a run.
	Machine string
	// Environ is the environment for child processes of a build.
	Environ []string
	// Now gives the time.
	Now func() time.Time
	// Sleep waits between tries and questions; by the clock when nil.
	Sleep func(context.Context, time.Duration) error
	// Transport does HTTP requests.
	Transport http.RoundTripper
	// Self is the command line that starts this program as `sandbox serve`.
	Self []string
	// NoAttestations leaves out the SBOM and the provenance of images.
	NoAttestations bool
	// Version is this program's version.
	Version string
	// Secrets is told all values that nobody may see, before they are used: whoever
	// writes what this process says masks them. It may be nil.
	Secrets Masker
}

// Masker knows the values that nobody may see. Several goroutines may use it.
type Masker interface {
	// Learn takes a value, which it does not change. One that is not sure to be a secret
	// only looks like one.
	Learn(value []byte, sure bool)
	// Public takes texts that everybody may read, though a secret value be part of one:
	// the name of a project, or of a registry.
	Public(texts ...string)
}
