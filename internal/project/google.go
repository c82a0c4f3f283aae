package project

import (
	"context"
	"errors"
	"fmt"

	"github.com/slipway-ci/slipway/internal/google"
	"github.com/slipway-ci/slipway/internal/google/gke"
	"github.com/slipway-ci/slipway/internal/google/secretmanager"
	"github.com/slipway-ci/slipway/internal/source"
)

// Google returns the credentials for Google Cloud: those of slipway.yaml, or else those of
// this machine. It looks for them once, when they are first needed. The only request that
// it may send is one to the metadata server, if this machine has no others. The error of a
// key that slipway.yaml names has its position.
func (p *Project) Google(ctx context.Context) (*google.Credentials, error) {
	return p.google.get(ctx, p.findGoogle)
}

// findGoogle looks for the credentials for Google Cloud.
func (p *Project) findGoogle(ctx context.Context) (*google.Credentials, error) {
	options := google.Options{Lookup: p.Lookup, Transport: p.Public, Pause: p.Pause, Secrets: p.Secrets}
	if cfg := p.Config.Google; cfg != nil {
		options.Federation = cfg.Federation()
		if cfg.Credentials != "" {
			key, err := p.Resolve(ctx, cfg.Credentials, "google", "credentials")
			if err != nil {
				return nil, err
			}
			options.Key, options.KeyFrom = key, cfg.Credentials
		}
	}
	if options.Federation == nil && options.KeyFrom == "" {
		federation, err := p.federationOfWorkflow()
		if err != nil {
			return nil, err
		}
		options.Federation = federation
	}
	found, err := google.Find(ctx, options)
	if bad := new(google.KeyError); errors.As(err, &bad) && options.KeyFrom != "" {
		return nil, WithPosition(p.Config.At("google", "credentials"), err)
	}
	return found, err
}

// providerVariable has the input workload-identity-provider of the GitHub Action.
const providerVariable = "SLIPWAY_WORKLOAD_IDENTITY_PROVIDER"

// federationOfWorkflow returns the Workload Identity Federation that the inputs of the GitHub
// Action name, or nil.
func (p *Project) federationOfWorkflow() (*google.Federation, error) {
	provider, _ := p.Lookup(providerVariable)
	if provider == "" {
		return nil, nil
	}
	account, _ := p.Lookup("SLIPWAY_SERVICE_ACCOUNT")
	federation := &google.Federation{Provider: provider, ServiceAccount: account}
	if err := federation.Check(); err != nil {
		return nil, &source.Error{Message: fmt.Sprintf("%s: %v", providerVariable, err), Err: err}
	}
	return federation, nil
}

// located returns the error of a request to Google Cloud with the position in slipway.yaml
// of what it was for. The error is a *source.Error if slipway.yaml is to be corrected, and
// not the rights of an identity or a network.
func (p *Project) located(err error, at ...string) error {
	var (
		key       *google.KeyError
		none      *google.NoCredentialsError
		override  *google.OverrideError
		cluster   *gke.NotFoundError
		endpoint  *gke.EndpointError
		fleet     *gke.NoMembershipError
		missing   *secretmanager.NotFoundError
		forbidden *secretmanager.StateError
	)
	for _, mistake := range []any{&key, &none, &override, &cluster, &endpoint, &fleet, &missing, &forbidden} {
		if errors.As(err, mistake) {
			return WithPosition(p.Config.At(at...), err)
		}
	}
	if err == nil || errors.Is(err, context.Canceled) || isLocated(err) {
		return err
	}
	return fmt.Errorf("%s: %w", p.Config.At(at...), err)
}
