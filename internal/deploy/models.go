package deploy

import (
	"context"
	"fmt"
	"maps"

	"github.com/slipway-ci/slipway/internal/build"
	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/job"
	"github.com/slipway-ci/slipway/internal/pipeline"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/run"
	runsof "github.com/slipway-ci/slipway/internal/runs"
	"github.com/slipway-ci/slipway/tasks/report"
)

// models is the step that learns which runs have made the models to serve, and builds the images that
// need to know that.
type models struct{ *Deployment }

// Apply implements Step.
func (s models) Apply(ctx context.Context, result *report.Result) error {
	for _, m := range s.models {
		for _, ended := range s.Results {
			if ended.Name == m.Model && s.deploys(m.Model) {
				if err := s.setModel(ctx, m, ended); err != nil {
					return ifInterrupted(ctx, err)
				}
			}
		}
	}
	late := s.imagesToBuild(true)
	if len(late) == 0 {
		return nil
	}
	pushed, err := build.Push(ctx, s.Platform, late)
	for _, i := range late {
		if one := pushed[i.Name]; one != nil {
			s.references[i.Name] = one.Reference.String()
			result.Images = append(result.Images, reportImage(one))
		}
	}
	return ifInterrupted(ctx, err)
}

// setModel records the run that a job has made, or the best one of its matrix.
func (s models) setModel(ctx context.Context, m *model, ended pipeline.JobResult) error {
	best := ended.Best()
	r, err := s.Polyaxon.Run(ctx, s.Config.Project, best.UUID)
	if err != nil {
		return fmt.Errorf("get run %s of job %s: %w", best.UUID, m.Model, err)
	}
	m.setRun(r, best.Metrics)
	return nil
}

// Plan implements Step. Which run a job that would be submitted will make is not known.
func (s models) Plan(ctx context.Context, result *report.Result) (changes int, err error) {
	for _, m := range s.models {
		for _, one := range s.plannedRuns {
			if one.Name != m.Model || !s.deploys(m.Model) || one.Action != pipeline.UpToDate {
				continue
			}
			if err := s.setPlanned(ctx, m, one.UUID()); isUnreachable(err) {
				s.noteUnreachable("Polyaxon", err)
			} else if err != nil {
				return 0, err
			}
		}
	}
	for _, i := range s.imagesToBuild(true) {
		s.references[i.Name], s.unbuilt[i.Name] = job.PlaceholderImage, true
		if s.gatesHold() {
			result.Images = append(result.Images, report.Image{Name: i.Name, Action: report.ActionBuild})
			changes++
		}
	}
	return changes, ctx.Err()
}

// setPlanned records the run of a job that a deploy would not submit again. It is not served if it did not
// meet what the job requires.
func (s models) setPlanned(ctx context.Context, m *model, uuid string) error {
	j := s.Config.Jobs[m.Model]
	if uuid == "" { // a matrix
		best, err := runsof.LastPassed(ctx, s.Platform, m.Model)
		if err != nil || best == nil {
			return err
		}
		uuid = best.UUID
	}
	r, err := s.Polyaxon.Run(ctx, s.Config.Project, uuid)
	if err != nil {
		return fmt.Errorf("get run %s of job %s: %w", uuid, m.Model, err)
	}
	if len(j.Require) > 0 && r.MetaInfo[project.MetaGate] == project.GateFailed {
		m.refused = "run " + uuid + " does not meet what it requires"
		return nil
	}
	outcome, err := run.Summarize(ctx, s.Polyaxon, s.RunTarget(r), nil)
	if err != nil {
		return fmt.Errorf("get run %s of job %s: %w", uuid, m.Model, err)
	}
	s.setRun(ctx, m, outcome)
	return nil
}

// imagesToBuild returns the images that the step of the images builds or, if late is set, those that are
// built only when the runs of their models are known.
func (d *Deployment) imagesToBuild(late bool) (all []*config.Image) {
	for _, i := range d.Images {
		if m := d.modelOf(i); m != nil {
			if (d.deploys(m.Model)) != late {
				continue
			}
			i = withArgument(i, m)
		} else if late {
			continue
		}
		all = append(all, i)
	}
	return all
}

// modelOf returns the model whose run an image gets as a build argument, or nil.
func (d *Deployment) modelOf(i *config.Image) *model {
	for _, m := range d.models {
		if m.Image == i.Name && m.BuildArg != "" {
			return m
		}
	}
	return nil
}

// withArgument returns an image with the run of its model as a build argument.
func withArgument(i *config.Image, m *model) *config.Image {
	built := *i
	built.BuildArgs = map[string]string{}
	maps.Copy(built.BuildArgs, i.BuildArgs)
	built.BuildArgs[m.BuildArg] = m.served().Run
	return &built
}
