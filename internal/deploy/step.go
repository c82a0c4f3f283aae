package deploy

import (
	"context"
	"errors"

	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/preflight"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// Step is one part of a deploy.
type Step interface {
	// Plan asks what Apply would change, adds that to result, and returns the number of changes.
	// It changes nothing. What cannot be determined is reported as unknown, and counts as a
	// change.
	Plan(ctx context.Context, result *report.Result) (changes int, err error)
	// Apply makes the changes, and adds what it changed to result, even if it fails halfway. If
	// ctx is cancelled, its error says what became of the runs: it is an *exit.InterruptedError
	// or a more specific error.
	Apply(ctx context.Context, result *report.Result) error
}

// Steps returns the steps of a deploy in order.
func (d *Deployment) Steps() []Step {
	return []Step{images{d}, secrets{d}, volume{d}, data{d}, runs{d}, models{d}, manifests{d}, serve{d}}
}

// Apply applies the steps in order, and stops at the first one that fails. It warns if this
// machine has little space left, and if the clock of a server that has answered is off. Without
// secrets it plans the steps, and reports what is left out.
func (d *Deployment) Apply(ctx context.Context, result *report.Result) error {
	if d.NoSecrets != "" {
		return d.planOnly(ctx, d.Steps(), result)
	}
	preflight.Warn(d.Project, preflight.Disk(d.Project))
	defer func() { preflight.Warn(d.Project, preflight.Clocks(d.Project)) }()
	return apply(ctx, d.Steps(), result)
}

func apply(ctx context.Context, steps []Step, result *report.Result) error {
	for _, step := range steps {
		if err := step.Apply(ctx, result); err != nil {
			return err
		}
	}
	return nil
}

// Plan plans the steps in order, and stops at the first one that fails. A server that does
// not answer is not a failure: what depends on it is reported as unknown. The error is an *exit.GateError if the metrics
// of a job that is up to date do not meet what it requires, and all steps are planned then.
func (d *Deployment) Plan(ctx context.Context, result *report.Result) error {
	if err := d.CheckCombination(d.Uses()); err != nil {
		return err
	}
	if !d.Offline && d.NoSecrets == "" {
		if err := (data{d}).compare(ctx); err != nil {
			return exit.IfInterrupted(ctx, err)
		}
	}
	if err := d.checkForPlan(ctx); err != nil {
		return exit.IfInterrupted(ctx, err)
	}
	if d.NoSecrets != "" {
		result.LeftOut = &report.LeftOut{Why: d.NoSecrets, What: []string{"compare with the registry, the cluster and Polyaxon"}}
	}
	return d.plan(ctx, d.Steps(), result)
}

// checkForPlan returns an error for jobs that the server would refuse, or that could never
// start, and for a volume claim that Kubernetes would refuse, before the plan builds anything. It sets asksPolyaxon.
func (d *Deployment) checkForPlan(ctx context.Context) error {
	var err error
	if d.asksPolyaxon, err = d.connectForPlan(ctx, "Polyaxon", platform.Uses{Runs: d.Uses().Runs}); !d.asksPolyaxon || err != nil {
		return err
	}
	err = errors.Join(d.checkRuns(ctx, d.Jobs), d.checkServices(ctx), d.checkGates(ctx), d.findModels(ctx))
	if isUnreachable(err) {
		d.asksPolyaxon = d.noteUnreachable("Polyaxon", err)
		return ctx.Err()
	}
	if err != nil {
		return err
	}
	if err := d.connectArtifacts(ctx); err != nil {
		if errors.As(err, new(*source.Error)) || ctx.Err() != nil {
			return err
		}
		d.artifacts = nil
		d.noteUnreachable("Cloud Storage", err)
	}
	return volume{d}.refusal(ctx)
}

func (d *Deployment) plan(ctx context.Context, steps []Step, result *report.Result) error {
	total := 0
	for _, step := range steps {
		changes, err := step.Plan(ctx, result)
		if err != nil {
			return exit.IfInterrupted(ctx, err)
		}
		total += changes
	}
	if d.NamespaceToCreate != "" { // created for the secrets, or only for the runs
		result.CreateNamespace = d.NamespaceToCreate
		total++
	}
	result.Changes = total
	return d.refusal()
}

// ifInterrupted is exit.IfInterrupted for steps that come before the runs. It returns nil if
// err is nil.
func ifInterrupted(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	return exit.IfInterrupted(ctx, err)
}
