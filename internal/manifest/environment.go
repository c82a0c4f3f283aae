package manifest

import (
	"maps"
	"slices"
)

// HasContainer reports whether a container of the object uses an image of slipway.yaml.
func (o *Object) HasContainer(image string) bool {
	found := false
	eachContainer(o.object.Object, func(container map[string]any) {
		found = found || container["image"] == ImageScheme+image
	})
	return found
}

// withEnvironment returns a copy of the object whose containers have the variables of their images, by
// the images' names, apart from those that they set themselves.
func (o *Object) withEnvironment(environment map[string]map[string]string) *Object {
	made := *o
	made.object = o.object.DeepCopy()
	eachContainer(made.object.Object, func(container map[string]any) {
		for image, variables := range environment {
			if container["image"] == ImageScheme+image {
				addVariables(container, variables)
			}
		}
	})
	return &made
}

func addVariables(container map[string]any, variables map[string]string) {
	list, isList := container["env"].([]any)
	if container["env"] != nil && !isList {
		return // the server refuses it
	}
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		given := slices.ContainsFunc(list, func(item any) bool { return nameOf(item) == name })
		if !given {
			list = append(list, map[string]any{"name": name, "value": variables[name]})
		}
	}
	container["env"] = list
}

// eachContainer calls do for each container inside of a value: the items of containers and
// initContainers, wherever the kind has its pods.
func eachContainer(value any, do func(map[string]any)) {
	switch x := value.(type) {
	case []any:
		for _, item := range x {
			eachContainer(item, do)
		}
	case map[string]any:
		for _, key := range []string{"initContainers", "containers"} {
			list, _ := x[key].([]any)
			for _, item := range list {
				if container, isMapping := item.(map[string]any); isMapping {
					do(container)
				}
			}
		}
		for _, below := range x {
			eachContainer(below, do)
		}
	}
}
