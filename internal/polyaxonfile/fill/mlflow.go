package fill

import (
	"github.com/slipway-ci/slipway/internal/polyaxonfile/operation"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/plain"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/types"
)

// MLflow is the tracking server that runs report to. Empty fields are not passed to the
// runs.
type MLflow struct {
	TrackingURI, Experiment, Username string
	// Password and Token are the Secret keys that hold the password and the bearer token. The
	// zero SecretKey means none.
	Password, Token SecretKey
}

// variables returns the environment variables that MLflow reads, with their values; see
// mlflow.org/docs/latest/python_api/mlflow.environment_variables.html.
func (m MLflow) variables() map[string]any {
	all := map[string]any{}
	for name, value := range map[string]string{
		"MLFLOW_TRACKING_URI": m.TrackingURI, "MLFLOW_EXPERIMENT_NAME": m.Experiment, "MLFLOW_TRACKING_USERNAME": m.Username,
	} {
		if value != "" {
			all[name] = value
		}
	}
	for name, key := range map[string]SecretKey{"MLFLOW_TRACKING_PASSWORD": m.Password, "MLFLOW_TRACKING_TOKEN": m.Token} {
		if key != (SecretKey{}) {
			all[name] = key
		}
	}
	return all
}

// addMLflow adds MLflow's variables to the containers that do not set them. If the
// component has an input with a variable's name, the value is passed as a param instead,
// because the Polyaxonfile has chosen that way.
func addMLflow(component map[string]any, all []operation.Pod, m MLflow, params map[string]any, secrets map[string]SecretKey) {
	values := m.variables()
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
