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
	Apply(ctx context.Context, result *report.Result) error
}

// Steps returns what a deploy does, in order. Volumes, data and manifests will stand between the
// secrets and the runs.
func (d *Deployment) Steps() []Step { return []Step{images{d}, secrets{d}, runs{d}} }

// Apply applies the steps in order, up to the first one that fails.
func (d *Deployment) Apply(ctx context.Context, result *report.Result) error {
	for _, step := range d.Steps() {
		if err := step.Apply(ctx, result); err != nil {
			return exit.IfInterrupted(ctx, err)
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
	for _, step := range d.Steps() {
		changes, err := step.Plan(ctx, result)
		if err != nil {
			return exit.IfInterrupted(ctx, err)
		}
		result.Changes += changes
	}
	return nil
}
