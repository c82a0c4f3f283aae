package operation

import (
	"maps"
	"slices"
)

// Connections returns the names of the connections that the operation's pods use, sorted.
func (o *Operation) Connections() []string {
	names := map[string]bool{}
	component, _ := o.root["component"].(map[string]any)
	for _, p := range Pods(component, []string{"component"}) {
		connections, _ := p.Spec["connections"].([]any)
		for _, c := range connections {
			if name, ok := c.(string); ok {
				names[name] = true
			}
		}
		inits, _ := p.Spec["init"].([]any)
		for _, element := range inits {
			m, _ := element.(map[string]any)
			if name, ok := m["connection"].(string); ok {
				names[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}
