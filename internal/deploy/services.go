package deploy

import (
	"context"
	"slices"

	"github.com/slipway-ci/slipway/internal/config"
)

// withServices returns the jobs, the service that is their tracking server, and the services that serve
// models.
func (d *Deployment) withServices() []*config.Job {
	all := slices.Clone(d.Jobs)
	add := func(j *config.Job) {
		if !slices.ContainsFunc(all, func(other *config.Job) bool { return other.Name == j.Name }) {
			all = append(all, j)
		}
	}
	if d.tracking != nil && d.tracking.job != nil {
		add(d.tracking.job)
	}
	for _, j := range d.servingServices() {
		add(j)
	}
	return all
}

// checkServices returns an error, before anything is built, for a service that could never start, and
// for a tracking server that the cluster does not have.
func (d *Deployment) checkServices(ctx context.Context) error {
	services := d.servingServices()
	if d.tracking != nil && d.tracking.job != nil {
		services = append(services, d.tracking.job)
	}
	if len(services) > 0 {
		if err := d.checkRuns(ctx, services); err != nil {
			return err
		}
	}
	if d.tracking == nil || d.tracking.job != nil {
		return nil
	}
	_, err := d.tracking.Address(ctx)
	return err
}
