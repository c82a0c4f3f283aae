package platform

import (
	"context"
	"errors"
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/sandbox"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/internal/state"
	"github.com/slipway-ci/slipway/tasks/report"
)

// sandboxed reports whether any of the parts that u selects belongs to the sandbox.
func (to *Platform) sandboxed(u Uses) bool {
	return u.Images && to.Config.Registry == "" || u.Secrets && to.Config.Cluster == nil || u.Runs && to.Config.Sandboxed()
}

// join connects to the sandbox if any of the parts that u selects belongs to it, and
// starts it if it is not running. It sets Target and RunNamespace if runs go to the
// sandbox.
func (to *Platform) join(ctx context.Context, u Uses) error {
	if to.sandboxed(u) && to.Sandbox == nil {
		joined, err := to.StartSandbox(ctx)
		if err != nil {
			return err
		}
		to.Sandbox = joined
	}
	if !to.Embedded || to.Sandbox == nil {
		return nil
	}
	os, arch, _ := strings.Cut(to.Sandbox.Platform, "/")
	to.Target = v1.Platform{OS: os, Architecture: arch}
	to.RunNamespace = to.Sandbox.Namespace
	if to.Sandbox.Isolation != "" && u.Runs {
		to.Note("jobs are not isolated from this machine: " + to.Sandbox.Isolation)
	}
	return nil
}

// StartSandbox joins the sandbox and masks its tokens. It starts the sandbox if it is not
// running, or if it is another release and has no active runs. If it is another release
// and has active runs, the error is a *source.Error, as it is where its state cannot be written. It does
// not set to.Sandbox.
func (to *Platform) StartSandbox(ctx context.Context) (*sandbox.Sandbox, error) {
	// Join creates what it needs or reports why it cannot.
	if refused := new(source.Error); errors.As(source.Unwritable(to.Config.Dir, state.Make(to.Config.Dir)), &refused) {
		return nil, fmt.Errorf("start the sandbox: %w", refused)
	}
	was, absent := sandbox.Running(ctx, to.StateDir())
	starts := absent != nil || !was.Is(to.SandboxRelease()) && was.ActiveRuns == 0
	if absent == nil && starts {
		to.Note(fmt.Sprintf("the sandbox runs Polyaxon %s, but %s is required: restarting it", was.Release, to.SandboxVersion().Short()))
	}
	if starts {
		to.Event(report.Start, "sandbox", project.DisplayPath(to.StateDir()), "starting")
	}
	joined, err := sandbox.Join(ctx, sandbox.Options{Dir: to.StateDir(), Self: to.Self, Lookup: to.Lookup, Version: to.Version, Release: to.SandboxRelease()})
	if busy := new(sandbox.BusyError); errors.As(err, &busy) {
		return nil, project.WithPosition(to.Config.At("sandbox", "polyaxon"), err)
	}
	if err != nil {
		return nil, fmt.Errorf("start the sandbox: %w", err)
	}
	if starts {
		to.Event(report.Done, "sandbox", project.DisplayPath(to.StateDir()), "started")
	}
	secret.LearnAll(to.Secrets, joined.Token, joined.RegistryToken, joined.KubernetesToken)
	return joined, nil
}
