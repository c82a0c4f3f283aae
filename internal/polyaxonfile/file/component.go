package file

import "slices"

// IsOperation reports whether the file is an operation rather than a component.
func (f *File) IsOperation() bool { return IsOperation(f.root) }

// IsOperation reports whether root holds an operation rather than a component.
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

// Component returns the component's values and the path to them: the root of the file, or
// the key component. The values are nil when an operation has no inline component.
func (f *File) Component() (values map[string]any, path []string) {
	if !f.IsOperation() {
		return f.root, nil
	}
	component, _ := f.root["component"].(map[string]any)
	return component, []string{"component"}
}

// References returns the keys by which an operation names its component.
func References() []string { return []string{"component", "pathRef", "urlRef", "hubRef", "dagRef"} }

// runKeys are the keys of which any one makes a mapping define a run.
var runKeys = []string{"run", "container", "cmd", "env", "resources", "ports", "environment", "init", "connections", "sidecars", "volumes"}

// HasRun reports whether a mapping has a key that defines a run.
func HasRun(m map[string]any) bool {
	return slices.ContainsFunc(runKeys, func(key string) bool { return m[key] != nil })
}
