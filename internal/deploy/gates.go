package deploy

import (
	"context"
	"errors"
)

// checkGates returns an error for jobs that require a comparison with a run that is not there.
func (d *Deployment) checkGates(ctx context.Context) error {
	var errs []error
	for _, j := range d.Jobs {
		errs = append(errs, d.pipeline().CheckBase(ctx, j))
	}
	return errors.Join(errs...)
}

// gatesHold reports whether the jobs that are up to date meet what they require. A deploy changes nothing that is
// served if they do not.
func (d *Deployment) gatesHold() bool { return d.refusal() == nil }

// refusal returns what the metrics of jobs that are up to date do not meet, or nil. A deploy ends with this error.
func (d *Deployment) refusal() error {
	var errs []error
	for _, one := range d.plannedRuns {
		errs = append(errs, one.Refused())
	}
	return errors.Join(errs...)
}
