package manifest

import (
	"maps"
	"net/url"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/secret"
)

// use is a scalar of a manifest with environment variables.
type use struct {
	node   *yaml.Node
	scalar string
	// variables are the values of the variables by their names.
	variables map[string]string
}

// secretVariables returns the names of the environment variables that slipway.yaml names as
// secret sources.
func secretVariables(c *config.Config) map[string]bool {
	names := map[string]bool{}
	for _, text := range c.Sources() {
		if from, err := secret.ParseSource(text); err == nil && from.Scheme == "env" {
			names[from.Name] = true
		}
	}
	return names
}

// namesSecret reports whether a variable is secret by its name, such as DB_PASSWORD, or because its
// value is an address with a password.
func namesSecret(name, value string) bool {
	if secret.IsCredentialName(name) {
		return true
	}
	at, err := url.Parse(value)
	if err != nil || at.User == nil {
		return false
	}
	_, has := at.User.Password()
	return has
}

// noteSecrets adds the variables that a Secret has as values to those that are secret.
func (r *reader) noteSecrets(root *yaml.Node) {
	if !is(root, "kind", "Secret") || !is(root, "apiVersion", "v1") {
		return
	}
	for _, key := range []string{"data", "stringData"} {
		values := child(root, key)
		for _, u := range r.uses {
			if values != nil && contains(values, u.node) {
				for name := range u.variables {
					r.secrets[name] = true
				}
			}
		}
	}
}

// contains reports whether a node is, or is below, another. Aliases stand for what they name.
func contains(above, node *yaml.Node) bool {
	return above == node || above.Alias != nil && contains(above.Alias, node) ||
		slices.ContainsFunc(above.Content, func(n *yaml.Node) bool { return contains(n, node) })
}

// hide sets what must not be shown of each object, once all secret variables are known.
func (r *reader) hide() {
	for _, o := range r.objects {
		o.hidden = hidden{scalars: map[string]bool{}, values: map[string]bool{}}
		for _, u := range o.uses {
			for name, value := range u.variables {
				if r.secrets[name] {
					o.hidden.scalars[u.scalar], o.hidden.values[value] = true, true
				}
			}
		}
	}
}

// SecretValues returns the values of the variables in objects that are secret, because a Secret
// has them, slipway.yaml names them as secret sources, or their names say so.
func SecretValues(objects []*Object) []secret.Value {
	texts := map[string]bool{}
	for _, o := range objects {
		maps.Copy(texts, o.hidden.values)
	}
	var values []secret.Value
	for _, text := range slices.Sorted(maps.Keys(texts)) {
		values = append(values, secret.NewValue([]byte(text)))
	}
	return values
}
