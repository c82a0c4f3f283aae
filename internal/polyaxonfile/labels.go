package polyaxonfile

import "strings"

// LabelPrefix begins the labels and annotations that slipway puts on pods.
const LabelPrefix = "slipway.dev/"

// Labelled gives the operation with labels and annotations on its pods. Those that
// the file sets stay. The operation itself is not changed: what says where a run
// came from is no part of what it is.
func (o *Operation) Labelled(labels, annotations map[string]string) *Operation {
	root := clone(o.root)
	component, _ := root["component"].(map[string]any)
	for _, p := range pods(component, []string{"component"}) {
		environment := section(p.spec, "environment")
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
			tidy(environment, key)
		}
		tidy(p.spec, "environment")
	}
	return &Operation{root}
}

// Unlabelled gives the operation without the labels and annotations of slipway,
// for comparing it with another.
func (o *Operation) Unlabelled() *Operation {
	root := clone(o.root)
	component, _ := root["component"].(map[string]any)
	for _, p := range pods(component, []string{"component"}) {
		environment, _ := p.spec["environment"].(map[string]any)
		for _, key := range []string{"labels", "annotations"} {
			under, _ := environment[key].(map[string]any)
			for name := range under {
				if strings.HasPrefix(name, LabelPrefix) {
					delete(under, name)
				}
			}
			tidy(environment, key)
		}
		tidy(p.spec, "environment")
	}
	return &Operation{root}
}
