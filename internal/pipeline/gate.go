package pipeline

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/metrics"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/runs"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// conditions returns what a job's metrics must meet, by name. Those of a configuration are valid.
func conditions(j *config.Job) map[string]*metrics.Condition {
	all := map[string]*metrics.Condition{}
	for name, text := range j.Require {
		if c, err := metrics.ParseCondition(text); err == nil {
			all[name] = c
		}
	}
	return all
}

// CheckBase returns an error, at its line, if a job requires a comparison with a base that is not there or
// has no such metric.
func (p *Pipeline) CheckBase(ctx context.Context, j *config.Job) error {
	all := conditions(j)
	var base *report.Base
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if !all[name].OfBase {
			continue
		}
		if base == nil {
			of := p.BaseBranch(ctx)
			found, err := runs.OnBranch(ctx, p.Platform, j.Name, of, "", p.AddMLflow)
			shallow := new(runs.ShallowError)
			if err != nil && !errors.As(err, &shallow) {
				return fmt.Errorf("find the base of job %s: %w", j.Name, err)
			}
			if found == nil {
				e := source.Errorf(p.Config.At(project.Section(j), j.Name, "require", name), "no run to compare with: job %s has no run that succeeded on branch %s", j.Name, of.Branch)
				if e.Hint = "leave out base until a run of the branch has succeeded"; err != nil {
					e.Hint += "; this checkout is shallow, and may not know of one: " + shallow.Hint()
				}
				return e
			}
			base = found
		}
		if _, has := base.Metrics[name]; !has && len(base.Unread) > 0 {
			return fmt.Errorf("job %s cannot be compared with its base: %w", j.Name, &unreadError{base.UUID, name, base.Unread})
		} else if !has {
			e := source.Errorf(p.Config.At(project.Section(j), j.Name, "require", name), "run %s of branch %s, the base, has no metric %s", base.UUID, base.Branch, name)
			e.Hint = logged(name, base.Metrics)
			return e
		}
	}
	return nil
}

// checkGate checks what a job requires of the metrics of its run, or of the best run of its matrix. It
// records that in e, and returns an *exit.GateError if the run does not meet it. It checks nothing
// of a job that did not succeed, or that is not followed.
func (p *Pipeline) checkGate(ctx context.Context, j *config.Job, e *JobResult) error {
	if p.Detach || e.Status != polyaxon.Succeeded {
		return nil
	}
	best := e.Best()
	if len(j.Require) == 0 {
		if len(e.Runs) == 0 && !e.marked {
			return nil
		}
		return p.markGate(ctx, j, best.UUID, project.GateNone)
	}
	e.gateFailed = true // until it is known to hold
	refused, err := p.judge(ctx, j, e)
	if err != nil {
		return interrupted(ctx, err)
	}
	if err := p.markGate(ctx, j, best.UUID, gateOf(j, e)); err != nil {
		return err
	}
	if refused != nil {
		return refused
	}
	return nil
}

// gateOf returns what came of what a job requires, or "" if it requires nothing.
func gateOf(j *config.Job, e *JobResult) string {
	switch {
	case len(j.Require) == 0:
		return ""
	case e.gateFailed:
		return project.GateFailed
	}
	return project.GateMet
}

// judge compares the metrics of a job's run, or of the best run of its matrix, with what the job requires. It
// records that in e, and changes nothing else. It returns what the run does not meet, or nil.
func (p *Pipeline) judge(ctx context.Context, j *config.Job, e *JobResult) (*exit.GateError, error) {
	uuid, values := e.Best().UUID, e.Best().Metrics
	all := conditions(j)
	base, err := p.base(ctx, j, all, uuid)
	if err != nil {
		return nil, fmt.Errorf("find the base of job %s: %w", j.Name, err)
	}
	if err := e.unread(all, base); err != nil {
		e.unjudged = true
		return nil, fmt.Errorf("what job %s requires cannot be checked: %w", j.Name, err)
	}
	var failed []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		c := all[name]
		r := report.Requirement{Metric: name, Condition: c.String()}
		value, has := values[name]
		before, hasBase := base.Metrics[name]
		switch {
		case !has:
			r.Message = "the run has no metric " + name + "; " + logged(name, values)
		case c.OfBase && base.UUID == "":
			r.Value, r.Message = &value, "there is no run of branch "+base.Branch+" to compare with"
		case c.OfBase && !hasBase:
			r.Value, r.Message = &value, fmt.Sprintf("run %s of branch %s, the base, has no metric %s; %s", base.UUID, base.Branch, name, logged(name, base.Metrics))
		default:
			bound := c.Bound(before)
			r.Value, r.Bound, r.Met = &value, &bound, c.Holds(value, bound)
			shown := metrics.Format(value, bound)
			r.Message = name + " = " + shown[0]
			if c.OfBase {
				r.Message += ", base " + metrics.Format(before)[0] + ", bound " + shown[1]
			}
		}
		text := name + " " + c.String() + ": " + r.Message
		if !has { // most probably its name is wrong
			text = p.Config.At(project.Section(j), j.Name, "require", name).String() + ": " + text
		}
		if !r.Met {
			failed = append(failed, text)
		}
		e.requirements = append(e.requirements, r)
	}
	if e.gateFailed = len(failed) > 0; e.gateFailed {
		return &exit.GateError{Job: j.Name, UUID: uuid, Failed: failed}, nil
	}
	return nil, nil
}

// markGate writes into a run whether its metrics meet what its job requires, because a run that does not
// is no base for others. GateNone takes away what a job required before, and is not written into a run that was
// never marked. It writes nothing that the run has. If it cannot, that is a warning.
func (p *Pipeline) markGate(ctx context.Context, j *config.Job, uuid, state string) error {
	r, err := p.Polyaxon.Run(ctx, p.Config.Project, uuid)
	if err == nil && (marked(r) || state != project.GateNone) && r.MetaInfo[project.MetaGate] != state {
		err = p.Polyaxon.Patch(ctx, p.Config.Project, uuid, polyaxon.Patch{MetaInfo: map[string]any{project.MetaGate: state}})
	}
	if ctx.Err() != nil {
		return interrupted(ctx, ctx.Err())
	}
	if err != nil {
		p.Event(report.Warning, "run", j.Name, fmt.Sprintf("run %s is not marked with what came of require, so it may be compared with wrongly: %v", uuid, err))
	}
	return nil
}

// marked reports whether a run has a mark of markGate, or waits for one.
func marked(r *polyaxon.Run) bool {
	_, found := r.MetaInfo[project.MetaGate]
	return found
}

// base returns the run to compare with, without a UUID if there is none or if no condition needs one.
// The run itself is the base only if there is no other, as after the first run of a branch.
func (p *Pipeline) base(ctx context.Context, j *config.Job, all map[string]*metrics.Condition, uuid string) (*report.Base, error) {
	needed := slices.ContainsFunc(slices.Collect(maps.Values(all)), func(c *metrics.Condition) bool { return c.OfBase })
	if !needed {
		return &report.Base{}, nil
	}
	of := p.BaseBranch(ctx)
	for _, without := range []string{uuid, ""} {
		found, err := runs.OnBranch(ctx, p.Platform, j.Name, of, without, p.AddMLflow)
		if err != nil && !errors.As(err, new(*runs.ShallowError)) || found != nil {
			return found, err
		}
	}
	return &report.Base{Branch: of.Branch}, nil
}

// logged says which metrics a run has in place of one, at most 20.
func logged(missing string, values map[string]float64) string {
	names := slices.Sorted(maps.Keys(values))
	if len(names) == 0 {
		return "it has no metrics"
	}
	return "it has " + metrics.InPlaceOf(missing, names)
}
