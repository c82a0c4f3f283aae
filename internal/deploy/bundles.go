package deploy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/internal/source"
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
		password, err := p.ResolveCredential(ctx, m.Password, "mlflow", "password")
		errs = append(errs, err)
		b := secret.Opaque(p.MLflowSecret(), map[string]secret.Value{project.MLflowKey: password})
		b.At, b.Project = p.Config.At("mlflow"), p.Config.Project
		bundles = append(bundles, b)
	}
	for _, b := range bundles {
		errs = append(errs, checkSize(b))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return bundles, nil
}

// secretNames returns the names of the secrets that jobs need, without reading them.
func secretNames(p *project.Project, jobs []*config.Job) (names []string) {
	for _, s := range p.SecretList() {
		names = append(names, s.Name)
	}
	for _, j := range jobs {
		if len(p.SecretParams(j)) > 0 {
			names = append(names, p.ParamSecret(j))
		}
	}
	if m := p.Config.MLflow; m != nil && m.Password != "" {
		names = append(names, p.MLflowSecret())
	}
	return names
}

// checkSize returns an error for a Secret that is larger than Kubernetes allows.
func checkSize(b secret.Bundle) error {
	size := 0
	for _, value := range b.Data {
		size += value.Len()
	}
	if size <= secret.MaxSize {
		return nil
	}
	return &source.Error{Position: b.At, Message: fmt.Sprintf("secret %s has %d bytes, and Kubernetes allows 1 MiB", b.Name, size),
		Hint: "split it into several secrets, or put what is not secret into an image or on the volume"}
}

// configured returns the secrets that slipway.yaml lists.
func configured(ctx context.Context, p *project.Project) ([]secret.Bundle, error) {
	var bundles []secret.Bundle
	var errs []error
	for _, s := range p.SecretList() {
		b, err := Bundle(ctx, p, s)
		errs = append(errs, err)
		bundles = append(bundles, b)
	}
	return bundles, errors.Join(errs...)
}

// Bundle reads the values of one secret of slipway.yaml.
func Bundle(ctx context.Context, p *project.Project, s *config.Secret) (secret.Bundle, error) {
	b, err := bundle(ctx, p, s)
	b.At, b.Project, b.Immutable = p.Config.At("secrets", s.Name), p.Config.Project, s.Immutable
	return b, err
}

// bundle returns the name, the type and the data of a secret.
func bundle(ctx context.Context, p *project.Project, s *config.Secret) (secret.Bundle, error) {
	switch {
	case s.DockerRegistry != nil:
		at := []string{"secrets", s.Name, "docker-registry", "service-account-key"}
		key, err := p.Resolve(ctx, s.DockerRegistry.ServiceAccountKey, at...)
		if err == nil {
			err = checkKey(p, key, s.DockerRegistry.ServiceAccountKey, at...)
		}
		if err != nil {
			return secret.Bundle{}, err
		}
		return secret.DockerConfig(s.Name, s.DockerRegistry.Server, key), nil
	case s.TLS != nil:
		return tlsBundle(ctx, p, s)
	case s.BasicAuth != nil:
		password, err := p.ResolveCredential(ctx, s.BasicAuth.Password, "secrets", s.Name, "basic-auth", "password")
		return secret.BasicAuth(s.Name, s.BasicAuth.Username, password), err
	}
	data := map[string]secret.Value{}
	var errs []error
	for _, key := range slices.Sorted(maps.Keys(s.Data)) {
		value, err := p.Resolve(ctx, s.Data[key], "secrets", s.Name, "data", key)
		if err == nil && mustBeKey(s, value) {
			err = checkKey(p, value, s.Data[key], "secrets", s.Name, "data", key)
		}
		errs = append(errs, err)
		data[key] = value
	}
	return secret.Opaque(s.Name, data), errors.Join(errs...)
}

// tlsBundle reads a certificate and its private key. It notes that the certificate has
// expired or is not valid yet. That is not an error, because a deploy that does not
// concern the certificate should not fail on the day that it expires.
func tlsBundle(ctx context.Context, p *project.Project, s *config.Secret) (secret.Bundle, error) {
	cert, certErr := p.Resolve(ctx, s.TLS.Cert, "secrets", s.Name, "tls", "cert")
	key, keyErr := p.Resolve(ctx, s.TLS.Key, "secrets", s.Name, "tls", "key")
	if err := errors.Join(certErr, keyErr); err != nil {
		return secret.Bundle{}, err
	}
	b, leaf, err := secret.TLS(s.Name, cert, key)
	if wrong := new(secret.TLSError); errors.As(err, &wrong) {
		return b, &source.Error{Position: p.Config.At("secrets", s.Name, "tls", wrong.Key), Message: wrong.Problem, Hint: wrong.Hint, Err: err}
	}
	const day = "2006-01-02"
	at := p.Config.At("secrets", s.Name, "tls", "cert")
	switch now := p.Now(); {
	case now.After(leaf.NotAfter):
		p.Note(fmt.Sprintf("%s: the certificate of secret %s expired on %s", at, s.Name, leaf.NotAfter.UTC().Format(day)))
	case now.Before(leaf.NotBefore):
		p.Note(fmt.Sprintf("%s: the certificate of secret %s is not valid before %s", at, s.Name, leaf.NotBefore.UTC().Format(day)))
	}
	return b, nil
}
