package deploy

import (
	"encoding/json"
	"errors"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/google"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/fill"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/internal/source"
)

// mustBeKey reports whether a value of a secret must be the key of a service account of
// Google: each value of the secret that slipway mounts as credentials, and each that says
// that it is such a key.
func mustBeKey(s *config.Secret, value secret.Value) bool {
	var file struct{ Type string }
	return s.Name == fill.CredentialSecret || json.Unmarshal(value.Reveal(), &file) == nil && file.Type == "service_account"
}

// checkKey returns an error for a value that is not a whole key of a service account. from
// is the source of the value, and at are its keys in slipway.yaml.
func checkKey(p *project.Project, value secret.Value, from string, at ...string) error {
	_, err := google.ParseKey(value.Reveal(), from)
	wrong := new(google.KeyError)
	if !errors.As(err, &wrong) {
		return err
	}
	return &source.Error{Position: p.Config.At(at...), Message: from + " " + wrong.Problem, Hint: wrong.Advice, Err: err}
}
