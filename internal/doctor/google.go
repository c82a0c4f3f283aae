package doctor

import (
	"context"
	"errors"

	"github.com/slipway-ci/slipway/internal/google"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/secret"
)

// usesGoogle reports whether a deploy cannot do without credentials for Google Cloud. A
// registry of Google can, with those of Docker's configuration.
func usesGoogle(p *project.Project) bool {
	if cfg := p.Config; cfg.Google != nil || cfg.Cluster != nil && cfg.Cluster.GKE != nil {
		return true
	}
	for _, text := range p.Config.Sources() {
		if from, err := secret.ParseSource(text); err == nil && from.IsRemote() {
			return true
		}
	}
	return false
}

// lookAtGoogle gets an access token for Google Cloud.
func lookAtGoogle(_ context.Context, v *visit, f *findings) {
	identity, err := v.token()
	if err != nil {
		f.fail("token", err, adviceOfToken(err))
		return
	}
	f.ok("token", "of %s", identity)
}

// needsToken reports whether something cannot be checked because there is no access token for
// Google Cloud, which the check google says. what is what cannot be checked.
func needsToken(v *visit, f *findings, what, detail string) bool {
	if _, err := v.token(); err != nil {
		f.hide(what, detail+", and there is no access token for Google Cloud", "see google")
		return true
	}
	return false
}

// adviceOfToken says what to do about a token that Google does not give.
func adviceOfToken(err error) string {
	var (
		refused    *google.TokenError
		permission *google.PermissionError
		disabled   *google.DisabledError
	)
	if errors.As(err, &refused) || errors.As(err, &permission) || errors.As(err, &disabled) {
		return "" // they say so
	}
	return advice(err, "google")
}
