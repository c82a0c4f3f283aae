package checker

import (
	"context"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/job"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/compile"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/lint"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/sandbox"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// Missing returns problems for objects of the cluster that a job, which was checked before,
// needs and does not find. f is its Polyaxonfile. compiled is its operation, as
// job.CompiledWithPlaceholder returns it. The error is a *panics.Error if a rule panics.
func (c *Checker) Missing(ctx context.Context, j *config.Job, f *file.File, compiled *compile.Compiled) ([]report.Problem, error) {
	t := TargetOf(c.Project, j)
	return t.guarded(func() ([]report.Problem, error) {
		problems := c.problems(j, lint.Missing(ctx, f, compiled, c.Cluster))
		if compiled != nil {
			problems = append(problems, c.missingRendered(ctx, j, f, compiled)...)
		}
		return dedupe(problems), nil
	})
}

// problems returns the problems of findings. Those in a component that ships with slipway
// get the position of its name in slipway.yaml, and those without a position that of the
// part of slipway.yaml that added the object.
func (c *Checker) problems(j *config.Job, findings []lint.Finding) []report.Problem {
	var problems []report.Problem
	for _, found := range findings {
		one := c.problem(&found, nil)
		switch volume := c.Project.Config.Volume; {
		case one.Position.File == "" && volume != nil && found.Rule == lint.MissingVolumeClaim:
			one.Position = c.Project.Config.At("volume", "claim")
			if one.Hint == "" {
				one.Hint = "with volume.create, deploy creates a claim that is missing"
			}
		case one.Position.File == "" && volume != nil && found.Rule == lint.MissingConnection:
			one.Position = c.Project.Config.At("volume", "connection")
		case one.Position.File == "" && found.Rule == lint.MissingSecret:
			one.Position = c.Project.Config.At(project.Section(j), j.Name, "credentials")
			one.Hint = "slipway.yaml or a preset adds it to the job: declare it in secrets of slipway.yaml, or set credentials: false for the job if it has no use for Google Cloud's credentials"
		case one.Position.File == "":
			one.Position = c.Project.Config.At(project.Section(j), j.Name)
		case j.Component != "":
			one.Position, one.Length, one.Source = c.Project.Config.At(project.Section(j), j.Name, "component"), 0, ""
		}
		problems = append(problems, one)
	}
	return problems
}

// missing returns problems for what a job, filled with its params, needs and does not
// find where it runs: objects of the cluster and, on the sandbox, resources of this
// machine.
func (c *Checker) missing(ctx context.Context, j *config.Job) []report.Problem {
	if c.Cluster == nil && !c.CheckMachine {
		return nil
	}
	compiled, err := job.CompiledWithPlaceholder(ctx, c.Project, j)
	if err != nil || compiled == nil {
		return nil // an error is reported by other checks
	}
	f, err := job.File(ctx, c.Project, j)
	if err != nil {
		return nil
	}
	return c.missingRendered(ctx, j, f, compiled)
}

func (c *Checker) missingRendered(ctx context.Context, j *config.Job, f *file.File, compiled *compile.Compiled) []report.Problem {
	var problems []report.Problem
	if c.Cluster != nil {
		problems = c.problems(j, lint.MissingRendered(ctx, f, compiled, c.Cluster))
	}
	if pod, err := compiled.Pod(); err == nil && c.CheckMachine {
		if lacks := sandbox.Lacks(append(pod.Sidecars, pod.Container)...); lacks != "" {
			problems = append(problems, report.Problem{
				Position: c.Project.Config.At(project.Section(j), j.Name, "gpu"), Severity: string(file.SeverityError), Stage: string(file.StageRun),
				Name: lint.ExceedsMachine, Message: (&exit.UnschedulableError{Job: j.Name, Why: lacks}).Error(),
			})
		}
	}
	return problems
}
