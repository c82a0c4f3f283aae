package project

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/internal/source"
)

// Resolve reads the secret that text names, such as env:TOKEN, and masks its value. at
// are the keys of text in slipway.yaml. Errors have that position. They are *source.Error,
// unless a service that keeps the secret fails or refuses.
func (p *Project) Resolve(ctx context.Context, text string, at ...string) (secret.Value, error) {
	src, err := secret.ParseSource(text)
	if err != nil {
		return secret.Value{}, WithPosition(p.Config.At(at...), err)
	}
	value, err := p.secrets.Resolve(ctx, src)
	switch {
	case err != nil && src.IsRemote():
		return secret.Value{}, p.located(err, at...)
	case err != nil:
		located := WithPosition(p.Config.At(at...), err)
		if e := new(source.Error); errors.As(located, &e) && e.Hint == "" {
			e.Hint = p.NoSecrets
		}
		return secret.Value{}, located
	}
	secret.LearnAll(p.Secrets, value)
	return value, nil
}

// ResolveCredential is like Resolve for a password or a token of HTTP, which a line break at the
// end of a file is no part of. A value with another control character is an error.
func (p *Project) ResolveCredential(ctx context.Context, text string, at ...string) (secret.Value, error) {
	value, err := p.Resolve(ctx, text, at...)
	if err != nil {
		return secret.Value{}, err
	}
	credential, err := value.Credential()
	if err != nil {
		return secret.Value{}, &source.Error{Position: p.Config.At(at...), Message: text + ": " + err.Error(), Hint: "check that it is the password or the token alone", Err: err}
	}
	return credential, nil
}

// maskSecrets masks the secrets of slipway.yaml that can be read without a request, whatever
// the command is, because jobs print them and servers echo them. It also masks passwords in
// the addresses of slipway.yaml and in the environment. A secret that cannot be read is an
// error only where it is needed.
func (p *Project) maskSecrets(ctx context.Context) {
	for _, text := range p.Config.Sources() {
		if from, err := secret.ParseSource(text); err == nil && !from.IsRemote() {
			if value, err := p.secrets.Resolve(ctx, from); err == nil {
				secret.LearnAll(p.Secrets, value)
			}
		}
	}
	for _, password := range p.Config.Passwords() {
		secret.LearnAll(p.Secrets, secret.NewValue([]byte(password)))
	}
	for _, variable := range p.Environ {
		name, value, _ := strings.Cut(variable, "=")
		if at, err := url.Parse(value); err == nil && at.User != nil {
			password, _ := at.User.Password()
			secret.LearnAll(p.Secrets, secret.NewValue([]byte(password)))
		}
		if indexPassword.MatchString(name) {
			secret.LearnAll(p.Secrets, secret.NewValue([]byte(value)))
		}
	}
}

// indexPassword matches the environment variables from which uv, Poetry and twine read
// passwords of package indexes.
var indexPassword = lazyregexp.New(`^(UV_INDEX_.*_PASSWORD|POETRY_HTTP_BASIC_.*_PASSWORD|POETRY_PYPI_TOKEN_.*|TWINE_PASSWORD)$`)
