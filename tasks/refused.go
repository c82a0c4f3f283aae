package tasks

import (
	"context"
	"errors"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/source"
)

// invalid makes an operation that the server refuses an error of the user's file:
// at the keys that the server names, where the Polyaxonfile has them, and else at
// the job.
func invalid(ctx context.Context, p *project, j *config.Job, err error) error {
	var refused *polyaxon.Error
	if !errors.As(err, &refused) || refused.Kind != polyaxon.Invalid {
		return err
	}
	var located []error
	for _, problem := range refused.Problems() {
		if at, ok := p.locate(ctx, j, problem); ok {
			located = append(located, &source.Error{Position: at, Message: "Polyaxon refuses it: " + problem.Message, Err: err})
		}
	}
	if len(located) > 0 {
		return errors.Join(located...)
	}
	at := p.config.At(section(j), j.Name)
	return &source.Error{Position: at, Message: err.Error(), Err: err}
}

// locate gives where in the job's Polyaxonfile a problem stands.
func (p *project) locate(ctx context.Context, j *config.Job, problem polyaxon.Problem) (source.Position, bool) {
	file, err := p.polyaxonfile(ctx, j)
	if err != nil {
		return source.Position{}, false
	}
	if problem.Anywhere {
		return file.LocateKey(problem.Path[len(problem.Path)-1])
	}
	return file.Locate(problem.Path)
}
