// Package tasks implements the commands of slipway, one function for each command. It is a
// plain library that the magefile, the binary and the action call (see tasks/cli). A task
// takes a context, an Env and its options, reports events while it runs, and returns a
// Result and an error. The Result has what was done before the error, and may be nil: it is
// if slipway.yaml cannot be read. A task does not exit the process. It prints nothing, except
// that Logs writes to Env.Stdout. The exit code follows from the type of the error (see ExitCode).
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
	"github.com/slipway-ci/slipway/tasks/report"
)

// Env is the environment that a task runs in. cli.Open().Env() returns an Env for the
// current process. Lookup is required.
type Env struct {
	// Dir is the directory to search for slipway.yaml (-C). File is its path (-f).
	Dir, File string
	// Environment selects one of the environments in slipway.yaml (--env).
	Environment string
	// Stdout receives streamed results: the lines of `logs`. If it is nil, they are discarded.
	Stdout io.Writer
	// Content receives the content of objects, as DataCat writes it. If it is nil, Stdout does.
	Content io.Writer
	// Events receives events while the task runs. If it is nil, they are only in the Result.
	Events Sink
	// Lookup returns the value of an environment variable, and whether it is set.
	Lookup func(string) (string, bool)
	// Machine is the name of this machine. It shows others who started a run.
	Machine string
	// Environ is what os.Environ returns: git gets its PATH and HOME from there, and a build of
	// a Dockerfile finds BuildKit, Docker and the SSH agent by it.
	Environ []string
	// Now returns the current time. If it is nil, the system's clock is used.
	Now func() time.Time
	// Sleep waits between retries and requests. If it is nil, the system's clock is used.
	Sleep func(context.Context, time.Duration) error
	// Transport sends HTTP requests. If it is nil, http.DefaultTransport does.
	Transport http.RoundTripper
	// Self is the command line that starts this program so that it calls App.Serve of tasks/cli
	// or SandboxServe. It is required to start a sandbox.
	Self []string
	// Plugin is the command line that starts this program so that it prints the Result of
	// ClusterToken. ClusterCredentials requires it.
	Plugin []string
	// NoAttestations pushes images without SBOM and provenance.
	NoAttestations bool
	// Version is the version of this program.
	Version string
	// Ask asks the user a question, and returns the answer. It is nil if there is no terminal.
	Ask func(context.Context, Question) (string, error)
	// Secrets receives all secret values before they are used, so that the writers of this
	// process's output can mask them. It may be nil.
	Secrets Masker
}

// Masker collects secret values. Its methods may be called concurrently.
type Masker interface {
	// Learn adds a value, which it does not modify. If sure is false, the value only looks like
	// a secret.
	Learn(value []byte, sure bool)
	// Public adds texts that are not secret, even if a secret value is part of one: the name of
	// a project, or of a registry.
	Public(texts ...string)
}

// check returns a *UsageError if a field that all tasks require is missing.
func (e *Env) check() error {
	const hint = "; cli.Open().Env() of tasks/cli returns an Env for this process"
	switch {
	case e == nil:
		return exit.Usagef("the Env is nil%s", hint)
	case e.Lookup == nil:
		return exit.Usagef("Env.Lookup is required: it is nil%s", hint)
	}
	return nil
}

// stdout returns Stdout, or a writer that discards everything.
func (e *Env) stdout() io.Writer {
	if e.Stdout == nil {
		return io.Discard
	}
	return e.Stdout
}

// project returns the environment to open a project with. Its error is a *UsageError if a
// required field is missing.
func (e *Env) project() (*project.Env, error) {
	if err := e.check(); err != nil {
		return nil, err
	}
	now, events, transport := e.Now, e.Events, e.Transport
	if now == nil {
		now = time.Now
	}
	if events == nil {
		events = report.Discard{}
	}
	if transport == nil {
		transport = http.DefaultTransport
	}
	return &project.Env{
		Dir: e.Dir, File: e.File, Environment: e.Environment, Events: project.NewRecorder(events, now), Lookup: e.Lookup, Machine: e.Machine, Environ: e.Environ,
		Now: now, Sleep: e.Sleep, Transport: transport, Self: e.Self, Plugin: e.Plugin, NoAttestations: e.NoAttestations, Version: e.Version, Secrets: e.Secrets,
	}, nil
}

// open opens the project: it reads slipway.yaml.
func (e *Env) open(ctx context.Context) (*project.Project, error) {
	env, err := e.project()
	if err != nil {
		return nil, err
	}
	return project.Open(ctx, env)
}

// connect opens the project and connects to Polyaxon, for commands that work on runs.
func (e *Env) connect(ctx context.Context) (*platform.Platform, error) {
	p, err := e.open(ctx)
	if err != nil {
		return nil, err
	}
	p.MaskRemote(ctx)
	to, err := platform.Connect(ctx, p, platform.Uses{Runs: true})
	return to, exit.IfInterruptedWith(ctx, err, "")
}

// keys returns the keys of m, sorted.
func keys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// unmasked returns an Env whose project masks no secrets in the output of this process. It
// is for commands whose output is a credential.
func (e *Env) unmasked() *Env {
	bare := *e
	bare.Secrets = nil
	return &bare
}
