package project

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/google/secretmanager"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/secret"
)

// remotes returns the services that keep secrets, by the scheme of their sources.
func (p *Project) remotes() map[string]secret.Remote {
	return map[string]secret.Remote{"gcp-secret-manager": secretManager{p}}
}

// secretManager is Google's Secret Manager, as a secret.Remote.
type secretManager struct{ *Project }

// Read implements secret.Remote.
func (s secretManager) Read(ctx context.Context, name string) (secret.Value, error) {
	credentials, err := s.Google(ctx)
	if err != nil {
		return secret.Value{}, err
	}
	return (&secretmanager.Reader{Credentials: credentials, Secrets: s.Secrets}).Read(ctx, name)
}

const (
	// readAtOnce is how many secrets are read from services at the same time.
	readAtOnce = 8
	// maskTimeout bounds how long a command waits for values that it only masks.
	maskTimeout = 10 * time.Second
)

// ReadRemote reads the secrets of slipway.yaml that services keep, several at once, and
// masks them. It returns the errors, joined, without a position. It reads them once.
func (p *Project) ReadRemote(ctx context.Context) error {
	_, err := p.remote.get(ctx, func(ctx context.Context) (struct{}, error) {
		var sources []secret.Source
		for _, text := range p.Config.Sources() {
			if from, err := secret.ParseSource(text); err == nil && from.IsRemote() {
				sources = append(sources, from)
			}
		}
		errs := make([]error, len(sources))
		var group panics.Group
		group.SetLimit(readAtOnce)
		for i, from := range sources {
			group.Go(func() error {
				value, err := p.secrets.Resolve(ctx, from)
				secret.LearnAll(p.Secrets, value)
				errs[i] = err
				return nil
			})
		}
		return struct{}{}, errors.Join(group.Wait(), errors.Join(errs...))
	})
	return err
}

// MaskRemote masks the secrets of slipway.yaml that services keep, as Open masks the
// others. Commands that show what jobs print call it. It notes what cannot be read.
func (p *Project) MaskRemote(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, maskTimeout)
	defer cancel()
	if err := p.ReadRemote(ctx); err != nil {
		p.Note("not all secrets of slipway.yaml can be read, so that they are not masked: " + strings.ReplaceAll(err.Error(), "\n", "; "))
	}
}
