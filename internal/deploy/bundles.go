package deploy

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/secret"
)

// bundles reads the secrets that jobs need: the ones in slipway.yaml, the secret params of
// jobs, and the password of MLflow. It returns all errors joined.
func bundles(ctx context.Context, p *project.Project, jobs []*config.Job) ([]secret.Bundle, error) {
	_ = p.ReadRemote(ctx) // all at once; the errors of those that are needed come back below
	bundles, err := configured(ctx, p)
	errs := []error{err}
	for _, j := range jobs {
		sources := p.SecretParams(j)
		if len(sources) == 0 {
			continue
		}
		data := map[string]secret.Value{}
		for _, name := range slices.Sorted(maps.Keys(sources)) {
			if data[name], err = p.Resolve(ctx, sources[name], project.Section(j), j.Name, "params", name); err != nil {
				errs = append(errs, err)
			}
		}
		b := secret.Opaque(p.ParamSecret(j), data)
		b.At, b.Project = p.Config.At(project.Section(j), j.Name, "params"), p.Config.Project
		bundles = append(bundles, b)
	}
	if m := p.Config.MLflow; m != nil && m.Password != "" {
		password, err := p.Resolve(ctx, m.Password, "mlflow", "password")
		errs = append(errs, err)
		b := secret.Opaque(p.MLflowSecret(), map[string]secret.Value{project.MLflowKey: password})
		b.At, b.Project = p.Config.At("mlflow"), p.Config.Project
		bundles = append(bundles, b)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return bundles, nil
}

// configured returns the secrets that slipway.yaml lists.
func configured(ctx context.Context, p *project.Project) ([]secret.Bundle, error) {
	var bundles []secret.Bundle
	var errs []error
	for _, s := range p.SecretList() {
		b, err := bundle(ctx, p, s)
		errs = append(errs, err)
		b.At, b.Project = p.Config.At("secrets", s.Name), p.Config.Project
		bundles = append(bundles, b)
	}
	// bundle reads the values of one secret of slipway.yaml.
	return bundles, errors.Join(errs...)
}

func bundle(ctx context.Context, p *project.Project, s *config.Secret) (secret.Bundle, error) {
	if d := s.DockerRegistry; d != nil {
		key, err := p.Resolve(ctx, d.ServiceAccountKey, "secrets", s.Name, "docker-registry", "service-account-key")
		if err != nil {
			return secret.Bundle{}, err
		}
		return secret.DockerConfig(s.Name, d.Server, key), nil
	}
	data := map[string]secret.Value{}
	var errs []error
	for _, key := range slices.Sorted(maps.Keys(s.Data)) {
		value, err := p.Resolve(ctx, s.Data[key], "secrets", s.Name, "data", key)
		errs = append(errs, err)
		data[key] = value
	}
	return secret.Opaque(s.Name, data), errors.Join(errs...)
}
