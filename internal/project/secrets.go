package project

import (
	"context"
	"net/url"
	"regexp"
	"strings"

	"github.com/slipway-ci/slipway/internal/secret"
)

// Resolve reads the secret that text names, such as env:TOKEN, and has it masked. An error
// is a *source.Error at the keys of slipway.yaml where the name stands.
func (p *Project) Resolve(ctx context.Context, text string, at ...string) (secret.Value, error) {
	src, err := secret.ParseSource(text)
	if err != nil {
		return secret.Value{}, Located(p.Config.At(at...), err)
	}
	value, err := p.secrets.Resolve(ctx, src)
	if err != nil {
		return secret.Value{}, Located(p.Config.At(at...), err)
	}
	secret.Tell(p.Secrets, value)
	return value, nil
}

// learn has the secrets of slipway.yaml masked that can be read now, whatever the command
// is: jobs print them, and servers echo them. A secret that cannot be read is an error where
// it is needed.
func (p *Project) learn(ctx context.Context) {
	for _, text := range p.Config.Sources() {
		if from, err := secret.ParseSource(text); err == nil {
			if value, err := p.secrets.Resolve(ctx, from); err == nil {
				secret.Tell(p.Secrets, value)
			}
		}
	}
	for _, variable := range p.Environ {
		name, value, _ := strings.Cut(variable, "=")
		if at, err := url.Parse(value); err == nil && at.User != nil {
			password, _ := at.User.Password()
			secret.Tell(p.Secrets, secret.NewValue([]byte(password)))
		}
		if indexPassword.MatchString(name) {
			secret.Tell(p.Secrets, secret.NewValue([]byte(value)))
		}
	}
}

// indexPassword matches the variables that uv, Poetry and pip read passwords from.
var indexPassword = regexp.MustCompile(`^(UV_INDEX_.*_PASSWORD|POETRY_HTTP_BASIC_.*_PASSWORD|POETRY_PYPI_TOKEN_.*|TWINE_PASSWORD)$`)
