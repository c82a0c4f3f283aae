package fill

import (
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/operation"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/plain"
)

// Labelled returns a copy of the operation with labels and annotations added to its pods.
// Labels and annotations that the file sets are kept. The operation itself does not
// change, because the origin of a run is not part of its identity.
func Labelled(o *operation.Operation, labels, annotations map[string]string) *operation.Operation {
	root := plain.Clone(o.Root())
	component, _ := root["component"].(map[string]any)
	for _, p := range operation.Pods(component, []string{"component"}) {
		environment := section(p.Spec, "environment")
		if environment == nil {
			continue
		}
		for key, given := range map[string]map[string]string{"labels": labels, "annotations": annotations} {
			under := section(environment, key)
			for name, value := range given {
				if _, own := under[name]; under != nil && !own {
					under[name] = value
				}
			}
			removeEmpty(environment, key)
		}
		removeEmpty(p.Spec, "environment")
	}
	return operation.New(root)
}

// Unlabelled returns a copy of the operation without slipway's labels, annotations and tags for MLflow,
// for comparing it with another operation.
func Unlabelled(o *operation.Operation) *operation.Operation {
	root := plain.Clone(o.Root())
	component, _ := root["component"].(map[string]any)
	for _, p := range operation.Pods(component, []string{"component"}) {
		environment, _ := p.Spec["environment"].(map[string]any)
		for _, key := range []string{"labels", "annotations"} {
			under, _ := environment[key].(map[string]any)
			for name := range under {
				if strings.HasPrefix(name, operation.LabelPrefix) {
					delete(under, name)
				}
			}
			removeEmpty(environment, key)
		}
		removeEmpty(p.Spec, "environment")
		untag(p.Container())
	}
	return operation.New(root)
}
