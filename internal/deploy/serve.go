package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/job"
	"github.com/slipway-ci/slipway/internal/pipeline"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/internal/service"
	"github.com/slipway-ci/slipway/tasks/report"
)

// serve is the step that starts the services with their models. It comes last: what it starts serves
// models of runs that met what their jobs require.
type serve struct{ *Deployment }

// Apply implements Step. A service that runs is only stopped when the one with the new model answers.
func (s serve) Apply(ctx context.Context, result *report.Result) error {
	var errs []error
	for _, m := range s.models {
		served := m.report()
		served.Action = objectsAction(m, result.Manifests)
		var err error
		switch {
		case m.Service == "":
		case s.WithoutUpstream: // the service is started as a job
			served.Action, served.ServiceRun = actionOf(s.Results[0], false), s.Results[0].UUID()
		case s.deploys(m.Model):
			err = s.roll(ctx, m, &served)
		}
		if served.Action != "" {
			result.Served = append(result.Served, served)
		}
		switch {
		case err != nil:
			errs = append(errs, err)
		case !s.WithoutUpstream: // nothing has waited until the service answers
			s.tell(m, &served)
		}
	}
	s.tracking.addTo(result)
	return errors.Join(errs...)
}

// reportRolledBack adds the models whose objects were rolled back: what served before goes on.
func (s serve) reportRolledBack(result *report.Result) {
	for _, m := range s.models {
		if objectsAction(m, result.Manifests) != report.ActionRolledBack {
			continue
		}
		served := m.report()
		served.Action, served.Message = report.ActionRolledBack, "what was served before is served on"
		result.Served = append(result.Served, served)
	}
}

// tell reports what is served now.
func (s serve) tell(m *model, served *report.Served) {
	if served.Action == "" {
		return
	}
	message := fmt.Sprintf("serves run %s of %s", m.uuid, m.Model)
	if served.Action == report.ActionUnchanged {
		message = fmt.Sprintf("up to date: still serves run %s of %s", m.uuid, m.Model)
	}
	s.Report(report.Event{Kind: report.Done, Step: "serve", Subject: m.Name, Run: m.uuid, Message: message})
}

// roll starts the service with its model, waits until it answers, and then stops the one that it
// replaces.
func (s serve) roll(ctx context.Context, m *model, served *report.Served) error {
	j := *s.Config.Services[m.Service]
	j.Served = m.served()
	of := &service.Service{Platform: s.Platform, Job: &j}
	former, err := of.Alive(ctx)
	if err != nil {
		return ifInterrupted(ctx, fmt.Errorf("look for the run of service %s: %w", j.Name, err))
	}
	p := s.pipeline()
	p.Options = pipeline.Options{Detach: true}
	started, err := p.Job(ctx, &j, nil)
	served.ServiceRun = started.UUID()
	if err != nil {
		return ifInterrupted(ctx, err)
	}
	former = others(former, started.UUID())
	if s.Sandbox != nil && s.Sandbox.Isolation != "" { // both would have the same ports
		s.stop(ctx, of, former)
		former = nil
	}
	served.Action = actionOf(started, len(former) > 0)
	if served.Address, err = s.reach(ctx, m, of, p, &started); err != nil {
		s.keep(ctx, m, of, &started, former, served)
		return ifInterrupted(ctx, err)
	}
	s.stop(ctx, of, former)
	return nil
}

// reach waits until the service answers, and returns its address.
func (s serve) reach(ctx context.Context, m *model, of *service.Service, p *pipeline.Pipeline, started *pipeline.JobResult) (string, error) {
	limit := cmp.Or(m.Wait, config.DefaultServeWait)
	if started.Action == pipeline.Submitted {
		s.Report(report.Event{Kind: report.Advance, Step: "serve", Subject: m.Name, Run: started.UUID(), Message: waiting(m.Service, limit)})
	}
	return reach(ctx, of, p, started, limit)
}

// keep records that a service with a new model did not answer, and what serves on. With a rollback, the new run
// of the service is stopped. After an interrupt, it may still answer.
func (s serve) keep(ctx context.Context, m *model, of *service.Service, started *pipeline.JobResult, former []polyaxon.Run, served *report.Served) {
	if ctx.Err() == nil {
		served.Action = report.ActionFailed
	}
	if s.Rollback && ctx.Err() == nil && started.Action == pipeline.Submitted {
		s.stop(ctx, of, []polyaxon.Run{{UUID: started.UUID()}})
		served.Action = report.ActionRolledBack
	}
	if len(former) == 0 {
		return
	}
	served.Message = fmt.Sprintf("service %s goes on with the former model, as run %s", m.Service, former[0].UUID)
	s.Report(report.Event{Kind: report.Note, Step: "serve", Subject: m.Name, Run: former[0].UUID, Message: served.Message})
}

// stop stops runs of a service. One that cannot be stopped is a warning.
func (s serve) stop(ctx context.Context, of *service.Service, runs []polyaxon.Run) {
	for n := range runs {
		r := &runs[n]
		if status, err := of.End(ctx, r); err != nil {
			s.Report(report.Event{Kind: report.Warning, Step: "serve", Subject: of.Job.Name, Run: r.UUID, Message: fmt.Sprintf("run %s could not be stopped, and may still serve: %v; slipway stop %s stops it", r.UUID, err, r.UUID)})
		} else {
			s.Report(report.Event{Kind: report.Status, Step: "serve", Subject: of.Job.Name, Run: r.UUID, Status: string(status), Message: "replaced"})
		}
	}
}

// others returns the runs of a service that slipway has started, without the one that serves the model.
func others(all []polyaxon.Run, uuid string) []polyaxon.Run {
	return slices.DeleteFunc(slices.Clone(all), func(r polyaxon.Run) bool { return r.UUID == uuid || r.MetaInfo[run.MetaKey] == nil })
}

// actionOf returns what was done to a service. former reports whether it served another model.
func actionOf(started pipeline.JobResult, former bool) report.Action {
	switch {
	case former:
		return report.ActionUpdate
	case started.Action != pipeline.Submitted:
		return report.ActionUnchanged
	}
	return report.ActionCreate
}

// objectsAction returns what was done to the objects that serve a model: what changes the most, "" if
// none was applied.
func objectsAction(m *model, all []report.Manifest) (action report.Action) {
	order := []report.Action{"", report.ActionUnchanged, report.ActionUnknown, report.ActionRolledBack, report.ActionUpdate, report.ActionCreate}
	for _, one := range all {
		did := one.Action
		if did == report.ActionReplace {
			did = report.ActionUpdate
		}
		if slices.Contains(m.objects, one.Kind+" "+one.Name) && slices.Index(order, did) > slices.Index(order, action) {
			action = did
		}
	}
	return action
}

// Plan implements Step.
func (s serve) Plan(ctx context.Context, result *report.Result) (changes int, err error) {
	for _, m := range s.models {
		served := m.report()
		served.Action = objectsAction(m, result.Manifests)
		if m.Service != "" {
			if served.Action, served.ServiceRun, err = s.planService(ctx, m); err != nil {
				return changes, err
			}
			if served.Action != report.ActionUnchanged {
				starts, err := s.tracking.plan(ctx, s.Config.Services[m.Service], result, s.asksPolyaxon)
				if err != nil {
					return changes, err
				}
				changes += 1 + starts
			}
		}
		result.Served = append(result.Served, served)
	}
	return changes, ctx.Err()
}

// planService returns what a deploy would do with the service of a model, and the UUID of the run that
// serves on.
func (s serve) planService(ctx context.Context, m *model) (report.Action, string, error) {
	if !s.asksPolyaxon {
		return report.ActionUnknown, "", ctx.Err()
	}
	j := *s.Config.Services[m.Service]
	j.Served = m.served()
	former, err := (&service.Service{Platform: s.Platform, Job: &j}).Alive(ctx)
	if isUnreachable(err) {
		s.noteUnreachable("Polyaxon", err)
		return report.ActionUnknown, "", ctx.Err()
	}
	if err != nil {
		return "", "", err
	}
	if m.refused != "" || !s.gatesHold() {
		return report.ActionUnchanged, "", nil
	}
	if m.uuid != "" && s.references[j.Image] != job.PlaceholderImage {
		planned, err := s.pipeline().Plan(ctx, &j, nil)
		if err != nil {
			return "", "", fmt.Errorf("plan service %s: %w", j.Name, err)
		}
		if planned.Action == pipeline.Attached && len(others(former, planned.UUID())) == 0 {
			return report.ActionUnchanged, planned.UUID(), nil
		}
	}
	if len(former) > 0 {
		return report.ActionUpdate, "", nil
	}
	return report.ActionCreate, "", nil
}
