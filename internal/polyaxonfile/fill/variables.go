package fill

import (
	"github.com/slipway-ci/slipway/internal/polyaxonfile/operation"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/plain"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/types"
)

// addVariables adds environment variables, whose values are texts or SecretKeys, to the containers
// that do not set them. If the component has an input with a variable's name, the value is passed
// as a param instead, because the Polyaxonfile has chosen that way.
func addVariables(component map[string]any, all []operation.Pod, values map[string]any, params map[string]any, secrets map[string]SecretKey) {
	taken := map[string]bool{}
	for _, x := range types.ReadIO(component, "inputs") {
		taken[x.ToEnv] = true
		value, ours := values[x.Name]
		if !ours {
			continue
		}
		taken[x.Name] = true
		_, given := params[x.Name]
		if _, isSecret := secrets[x.Name]; given || isSecret {
			continue
		}
		if key, isSecret := value.(SecretKey); isSecret {
			secrets[x.Name] = key
		} else {
			params[x.Name] = map[string]any{"value": value}
		}
	}
	for _, p := range all {
		container := p.Container()
		if container == nil {
			continue
		}
		for _, name := range plain.Keys(values) {
			if taken[name] {
				continue
			}
			if key, isSecret := values[name].(SecretKey); isSecret {
				add(container, "env", key.variable(name), named("name", name))
			} else {
				add(container, "env", map[string]any{"name": name, "value": values[name]}, named("name", name))
			}
		}
	}
}
