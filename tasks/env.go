// Package tasks is what slipway does: one function for each command. It is a plain
// library: the magefile, the binary and the action call it (see tasks/cli). A task
// takes a context, an Env and its options, reports what happens as events, and
// returns a Result with an error. It ends no process, and prints nothing but what
// Logs writes to Env.Stdout. Exit codes come from the errors' types (ExitCode).
package tasks

import (
	"context"
	"io"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/tasks/exit"
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

// project returns what a project is opened with.
func (e *Env) project() *project.Env {
	return &project.Env{
		Dir: e.Dir, File: e.File, Environment: e.Environment, Events: e.Events, Lookup: e.Lookup, Machine: e.Machine, Environ: e.Environ,
		Now: e.Now, Sleep: e.Sleep, Transport: e.Transport, Self: e.Self, NoAttestations: e.NoAttestations, Version: e.Version, Secrets: e.Secrets,
	}
}

// open reads slipway.yaml.
func (e *Env) open(ctx context.Context) (*project.Project, error) {
	return project.Open(ctx, e.project())
}

// connect opens the project and connects to Polyaxon, for commands about runs.
func (e *Env) connect(ctx context.Context) (*platform.Platform, error) {
	p, err := e.open(ctx)
	if err != nil {
		return nil, err
	}
	if err := p.Config.Unbuilt(nil, nil); err != nil {
		return nil, err
	}
	to, err := platform.Connect(ctx, p, platform.Uses{Runs: true})
	return to, exit.Unsure(ctx, err, "")
}

// keys returns the keys of m in order.
func keys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
