package compile

import (
	"slices"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/plain"
)

// Joins reports whether values of the operation come from a query for other runs, which
// only a Polyaxon server can answer.
func (c *Compiled) Joins() bool {
	joins, _ := c.root["joins"].([]any)
	return len(joins) > 0
}

// IgnoredKeys returns the keys of the operation that the sandbox accepts and ignores,
// sorted. They concern nodes, Polyaxon's scheduler, and the kubelet.
func (c *Compiled) IgnoredKeys() []string {
	var found []string
	look := func(in any, prefix string, heeds func(key string) bool) {
		for key, value := range plain.Map(in) {
			if !isEmpty(value) && !heeds(key) {
				found = append(found, prefix+key)
			}
		}
	}
	among := func(keys ...string) func(string) bool {
		return func(key string) bool { return !slices.Contains(keys, key) }
	}
	run := plain.Map(c.root["run"])
	look(c.root, "", among("queue", "hooks", "conditions", "events", "dependencies", "trigger", "skipOnUpstreamSkip"))
	look(run["environment"], "environment.", func(key string) bool {
		return slices.Contains([]string{"labels", "annotations", "restartPolicy"}, key)
	})
	kubelets := among("securityContext", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "volumeDevices")
	look(run["container"], "container.", kubelets)
	sidecars, _ := run["sidecars"].([]any)
	for _, sidecar := range sidecars {
		look(sidecar, "sidecars.", kubelets)
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// isEmpty reports whether a value requests nothing.
func isEmpty(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	case string:
		return v == ""
	case bool:
		return !v
	}
	return false
}
