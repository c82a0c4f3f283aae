package deploy

import (
	"context"

	"github.com/slipway-ci/slipway/internal/checker"
	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/tasks/report"
)

// PlanReference checks a job, builds its image locally, and returns the reference that the
// image will have. It returns "" for a job without an image. It sends nothing.
func PlanReference(ctx context.Context, p *project.Project, j *config.Job) (string, error) {
	jobs := []*config.Job{j}
	d := &Deployment{Platform: platform.New(p), Images: p.ImagesOf(jobs)}
	if err := checker.Jobs(ctx, p, jobs); err != nil {
		return "", err
	}
	if len(d.Images) == 0 {
		return "", nil
	}
	if err := d.CheckCombination(d.Uses()); err != nil {
		return "", err
	}
	if err := d.Extend(ctx, d.Uses()); err != nil {
		return "", err
	}
	_, err := images{d}.Plan(ctx, &report.Result{})
	return d.references[j.Image], err
}
