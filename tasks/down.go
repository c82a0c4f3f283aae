package tasks

import (
	"context"
	"fmt"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/runs"
	"github.com/slipway-ci/slipway/internal/service"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// DownOptions are the options of Down.
type DownOptions struct {
	// Service is the name of the service.
	Service string `arg:"SERVICE" complete:"service"`
}

// Down stops all active runs of a service and waits until they have ended.
func Down(ctx context.Context, env *Env, o DownOptions) (*Result, error) {
	to, err := env.connect(ctx)
	if err != nil {
		return nil, err
	}
	result := to.Result("down")
	j, err := serviceOf(to.Project, o.Service)
	if err != nil {
		return result, err
	}
	s := &service.Service{Platform: to, Job: j}
	left := "service " + o.Service + " may still run; check it with slipway runs --services, and stop it with slipway down " + o.Service
	alive, err := s.Alive(ctx)
	if err != nil {
		return result, exit.IfInterruptedWith(ctx, err, left)
	}
	for i := range alive {
		status, err := s.End(ctx, &alive[i])
		if err != nil {
			return result, exit.IfInterruptedWith(ctx, fmt.Errorf("stop run %s of service %s: %w", alive[i].UUID, o.Service, err), left)
		}
		s.Report(report.Event{
			Kind: report.Done, Step: "down", Subject: o.Service, Run: alive[i].UUID, Status: string(status),
			Message: fmt.Sprintf("run %s is %s", alive[i].UUID, status),
		})
		one := runs.Report(&alive[i])
		one.Status = string(status)
		result.Jobs = append(result.Jobs, report.Job{Name: o.Service, Run: one})
	}
	if len(result.Jobs) == 0 {
		s.Note("service " + o.Service + " was not running")
	}
	return result, nil
}

// serviceOf returns a service of slipway.yaml. It returns a *UsageError if there is no such
// service.
func serviceOf(p *project.Project, name string) (*config.Job, error) {
	if j, ok := p.Config.Services[name]; ok {
		return j, nil
	}
	if p.Config.Jobs[name] != nil {
		return nil, exit.Usagef("%s is a job, not a service (slipway deploy %s runs it, slipway stop %s stops its newest run)", name, name, name)
	}
	return nil, project.UnknownName("service", name, keys(p.Config.Services))
}
