package tasks

import (
	"context"
	"fmt"

	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/report"
	"github.com/slipway-ci/slipway/internal/run"
)

// Up starts a service, or finds the one that runs for the same inputs, waits
// until it answers, and gives its address. The service outlives the command;
// Down stops it. Of the options only Params count. Cancelling ctx while it starts stops it.
func Up(ctx context.Context, env *Env, name string, o JobOptions) (*report.Result, error) {
	p, err := env.open(ctx)
	if err != nil {
		return nil, err
	}
	result := p.result("up")
	service, ok := p.config.Services[name]
	if !ok {
		return result, unknown("service", name, sorted(p.config.Services))
	}
	d, err := p.prepareOnly(ctx, service, o.Params)
	if err != nil {
		return result, err
	}
	result.Jobs, err = p.deployOne(ctx, d, service, result, JobOptions{Detach: true})
	if err != nil {
		return result, err
	}
	started := &result.Jobs[0]
	target := run.Target{Namespace: d.to.namespace, Project: p.config.Project, UUID: started.UUID, Kind: "service"}
	now, err := run.AwaitService(ctx, d.to.polyaxon, target)
	if err != nil {
		if ctx.Err() != nil {
			return result, p.abandon(ctx, ctx, d.to, service, target, err)
		}
		return result, fmt.Errorf("start service %s: %w", name, err)
	}
	if now.Status.Terminal() {
		outcome, err := run.Summarize(ctx, d.to.polyaxon, target)
		if err != nil {
			return result, err
		}
		started.Run = reportOutcome(outcome)
		return result, verdict(name, service.Timeout, outcome)
	}
	started.Status = string(now.Status)
	started.Address = p.address(ctx, d.to, now)
	p.event(report.Done, "up", name, started.Address)
	return result, nil
}

// Down stops all runs of a service that are alive.
func Down(ctx context.Context, env *Env, name string) (*report.Result, error) {
	p, to, err := env.connected(ctx)
	if err != nil {
		return nil, err
	}
	result := p.result("down")
	if _, ok := p.config.Services[name]; !ok {
		return result, unknown("service", name, sorted(p.config.Services))
	}
	runs, _, err := to.polyaxon.Runs(ctx, p.config.Project, polyaxon.Query{Query: "name:" + name, Sort: "-created_at", Limit: runsLimit})
	if err != nil && !polyaxon.IsNotFound(err) {
		return result, interruptedOr(ctx, err)
	}
	for i := range runs {
		if runs[i].Name != name || runs[i].Status.Terminal() || runs[i].Status == polyaxon.Stopping {
			continue
		}
		if err := run.Stop(ctx, to.polyaxon, p.target(to, &runs[i])); err != nil {
			return result, interruptedOr(ctx, fmt.Errorf("stop run %s of service %s: %w", runs[i].UUID, name, err))
		}
		p.event(report.Done, "down", name, "stopped run "+runs[i].UUID)
		one := reportRun(&runs[i])
		one.Status = string(polyaxon.Stopped)
		result.Jobs = append(result.Jobs, report.Job{Name: name, Run: one})
	}
	if len(result.Jobs) == 0 {
		p.event(report.Note, "", "", "service "+name+" was not running")
	}
	return result, nil
}

// address gives where a service answers.
func (p *project) address(ctx context.Context, to *platform, r *polyaxon.Run) string {
	if to.embedded {
		if address, err := to.sandbox.ServiceAddress(ctx, r.UUID); err == nil {
			return address
		}
	}
	return to.polyaxon.ServiceURL(r, to.namespace)
}
