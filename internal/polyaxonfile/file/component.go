package file

import "slices"

// IsOperation tells an operation from a component.
func (f *File) IsOperation() bool { return IsOperation(f.root) }

// IsOperation tells the values of an operation from those of a component.
func IsOperation(root map[string]any) bool {
	if kind, ok := root["kind"].(string); ok {
		return kind == "operation"
	}
	for _, key := range []string{"component", "pathRef", "hubRef", "urlRef", "dagRef", "params", "isPreset", "runPatch"} {
		if _, ok := root[key]; ok {
			return true
		}
	}
	return false
}

// Component gives the component's values, and the path at which they stand: the
// file's own, or those below component. The values are nil when an operation has
// no component.
func (f *File) Component() (values map[string]any, path []string) {
	if !f.IsOperation() {
		return f.root, nil
	}
	component, _ := f.root["component"].(map[string]any)
	return component, []string{"component"}
}

// References are the keys that name an operation's component.
func References() []string { return []string{"component", "pathRef", "urlRef", "hubRef", "dagRef"} }

// runKeys are those that make a run of an operation, of which run is one.
var runKeys = []string{"run", "container", "cmd", "env", "resources", "ports", "environment", "init", "connections", "sidecars", "volumes"}

// HasRun reports whether a mapping has a key that makes a run.
func HasRun(m map[string]any) bool {
	return slices.ContainsFunc(runKeys, func(key string) bool { return m[key] != nil })
}
