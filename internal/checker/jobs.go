package checker

import (
	"context"
	"errors"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/job"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/tasks/report"
)

// Jobs checks and renders the Polyaxonfiles of jobs. It sends warnings as events and
// returns all errors, joined.
func Jobs(ctx context.Context, p *project.Project, jobs []*config.Job) error {
	c := &Checker{Env: p.Env, Project: p}
	var err error
	if c.Versions, c.VersionsGuessed, err = serverVersions(ctx, p); err != nil {
		return err
	}
	var errs []error
	seen := map[string]bool{}
	for _, j := range jobs {
		problems, err := c.check(ctx, TargetOf(p, j))
		errs = append(errs, err)
		for _, problem := range problems {
			located := &source.Error{Position: problem.Position, Message: problem.Message, Hint: problem.Hint}
			if problem.Severity == string(file.SeverityError) {
				errs = append(errs, located)
			} else if !seen[located.Error()] {
				seen[located.Error()] = true
				p.Event(report.Warning, "check", j.Name, located.Error())
			}
		}
		if errors.Join(errs...) == nil {
			errs = append(errs, job.CheckQuantities(ctx, p, j))
		}
	}
	return errors.Join(errs...)
}
