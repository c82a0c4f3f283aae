package fill

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/operation"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/plain"
)

const (
	// MLflowRunTag is the tag of MLflow's runs that has the UUID of the run of Polyaxon.
	MLflowRunTag = "slipway.run"
	// MLflowProjectTag and MLflowJobTag are the tags that have the project and the job.
	MLflowProjectTag, MLflowJobTag = "slipway.project", "slipway.job"
	// runContext is the variable with tags for the runs of MLflow's client, as JSON; see
	// SystemEnvironmentContext in mlflow/tracking/context/system_environment_context.py. The fluent
	// API reads it (mlflow.start_run), and MlflowClient.create_run does not.
	runContext = "MLFLOW_RUN_CONTEXT"
	// uuidTemplate is what a server renders to the UUID of the run.
	uuidTemplate = "{{ globals.uuid }}"
)

// MLflowTagged returns a copy of the operation whose containers give the runs of MLflow tags:
// MLflowRunTag, and those given. Containers that set the variable keep theirs. Like labels,
// the tags are not part of the operation's identity.
func MLflowTagged(o *operation.Operation, tags map[string]string) *operation.Operation {
	all := map[string]string{MLflowRunTag: uuidTemplate}
	for name, value := range tags {
		if value != "" {
			all[name] = value
		}
	}
	text, _ := json.Marshal(all) // texts always have a JSON
	root := plain.Clone(o.Root())
	component, _ := root["component"].(map[string]any)
	for _, p := range operation.Pods(component, []string{"component"}) {
		if container := p.Container(); container != nil {
			add(container, "env", map[string]any{"name": runContext, "value": string(text)}, named("name", runContext))
		}
	}
	return operation.New(root)
}

// untag removes the tags that MLflowTagged has given a container, which may be nil.
func untag(container map[string]any) {
	env, _ := container["env"].([]any)
	kept := slices.DeleteFunc(slices.Clone(env), func(element any) bool {
		m, _ := element.(map[string]any)
		value, _ := m["value"].(string)
		return m["name"] == runContext && strings.Contains(value, MLflowRunTag)
	})
	switch {
	case len(kept) == len(env):
	case len(kept) == 0:
		delete(container, "env")
	default:
		container["env"] = kept
	}
}
