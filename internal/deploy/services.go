package deploy

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/pipeline"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/internal/service"
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
	if d.tracking == nil {
		return nil
	}
	return d.tracking.check(ctx)
}

// waiting says what the deployment does until a service answers.
func waiting(service string, limit time.Duration) string {
	return fmt.Sprintf("waiting until service %s answers, for at most %s", service, limit)
}

// reach waits until the run of a service answers, and returns its address. A run that was started here is
// abandoned as its job says if ctx is cancelled.
func reach(ctx context.Context, of *service.Service, p *pipeline.Pipeline, started *pipeline.JobResult, limit time.Duration) (string, error) {
	target := run.Target{Namespace: of.RunNamespace, Project: of.Config.Project, UUID: started.UUID(), Kind: "service"}
	reached, err := of.Reach(ctx, target, limit, 0)
	if err == nil {
		reached.Close()
		return reached.Address, nil
	}
	if ctx.Err() != nil && started.Action == pipeline.Submitted {
		err = p.Abandon(ctx, of.Job, target, started, err)
	}
	return "", err
}
