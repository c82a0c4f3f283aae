package tasks

import (
	"context"

	"github.com/slipway-ci/slipway/internal/report"
)

// Render gives the operation of a job or a service as it will be sent. Its image
// is built locally, so that its digest stands in it; nothing is sent.
func Render(ctx context.Context, env *Env, name string) (*report.Result, error) {
	p, err := env.open(ctx)
	if err != nil {
		return nil, err
	}
	result := p.result("render")
	j := p.config.Jobs[name]
	if j == nil {
		j = p.config.Services[name]
	}
	if j == nil {
		return result, unknown("job or service", name, append(sorted(p.config.Jobs), sorted(p.config.Services)...))
	}
	d, err := p.prepareOnly(ctx, j)
	if err != nil {
		return result, err
	}
	images, references, err := p.planImages(ctx, d)
	result.Images = nil
	_ = images
	if err != nil {
		return result, interruptedOr(ctx, err)
	}
	operation, err := p.operation(j, references[j.Image])
	if err != nil {
		return result, err
	}
	result.Text = render(operation)
	return result, nil
}
