package deploy

import (
	"context"

	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// Step is one part of a deploy.
type Step interface {
	// Plan asks what Apply would change, adds that to a result, and returns how many changes there
	// are. It changes nothing. What nobody tells is unknown, and counts as a change.
	Plan(ctx context.Context, result *report.Result) (changes int, err error)
	// Apply changes it, and adds what it has changed to a result, also when it fails on the way.
	// When ctx is cancelled, its error says what became of the runs: an *exit.InterruptedError, or
	// one that knows better.
	Apply(ctx context.Context, result *report.Result) error
}

// Steps returns what a deploy does, in order. Volumes, data and manifests will stand between the
// secrets and the runs.
func (d *Deployment) Steps() []Step { return []Step{images{d}, secrets{d}, runs{d}} }

// Apply applies the steps in order, up to the first one that fails.
func (d *Deployment) Apply(ctx context.Context, result *report.Result) error {
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

// Plan plans the steps in order, up to the first one that fails. Steps whose server does not answer
// do not fail: what they do is unknown.
func (d *Deployment) Plan(ctx context.Context, result *report.Result) error {
	if err := d.RefuseHalfClouds(d.Uses()); err != nil {
		return err
	}
	return d.plan(ctx, d.Steps(), result)
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
	if d.Creates != "" { // for the secrets, or for the runs alone
		result.Namespace = d.Creates
		total++
	}
	result.Changes = total
	return nil
}

// ifInterrupted is exit.IfInterrupted for steps that come before the runs. It returns nil for nil.
func ifInterrupted(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	return exit.IfInterrupted(ctx, err)
}
