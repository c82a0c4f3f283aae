package tasks

import (
	"context"
	"errors"
	"fmt"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/image"
	"github.com/slipway-ci/slipway/internal/source"
)

// checkImages gives, joined, all that images are made of and that is not there: files
// of the tree and, unless nobody is asked, values of build secrets.
func (p *project) checkImages(ctx context.Context, images []*config.Image) error {
	target := p.platform().target
	var errs []error
	for _, i := range images {
		if i.Kind() != kindDockerfile {
			errs = append(errs, image.Missing(p.spec(i, target)))
			continue
		}
		if file, err := source.Open(nil, p.file(i.Dockerfile)); err == nil {
			_ = file.Close()
		} else {
			message := fmt.Sprintf("image %s: the Dockerfile %s cannot be read", i.Name, i.Dockerfile)
			if irregular := new(source.IrregularError); errors.As(err, &irregular) {
				message = fmt.Sprintf("image %s: the Dockerfile %s %v", i.Name, i.Dockerfile, irregular)
			}
			errs = append(errs, &source.Error{Position: p.config.At("images", i.Name, "dockerfile"), Message: message, Err: err})
		}
		for _, id := range sorted(i.BuildSecrets) {
			if p.offline {
				break
			}
			_, err := p.resolve(ctx, i.BuildSecrets[id], "images", i.Name, "build-secrets", id)
			errs = append(errs, err)
		}
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
