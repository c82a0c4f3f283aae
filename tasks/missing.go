package tasks

import (
	"context"
	"errors"

	"github.com/slipway-ci/slipway/internal/config"
)

// checkImages gives, joined, all that images are made of and that is not there: files
// of the tree and, unless nobody is asked, values of build secrets.
func (p *project) checkImages(ctx context.Context, images []*config.Image) error {
	to := p.platform()
	var errs []error
	for _, i := range images {
		errs = append(errs, p.imageBuilder(to, i, p.notices(i.Name)).Check(ctx))
	}
	return errors.Join(errs...)
}

// checkToken reads Polyaxon's token, where runs go to a server that wants one.
func (p *project) checkToken(ctx context.Context, runs bool) error {
	if cfg := p.config.Polyaxon; runs && cfg != nil && cfg.Token != "" {
		_, err := p.resolve(ctx, cfg.Token, "polyaxon", "token")
		return err
	}
	return nil
}
