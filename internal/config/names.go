package config

import (
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"
)

// Names are what a slipway.yaml gives names to, each list in alphabetical order.
type Names struct {
	Images, Jobs, Services, Environments []string
}

// ReadNames returns the names in the configuration at path, with those that one of
// its environments adds; environment is "" for none. A shell completes words while the
// file may still have errors, so that nothing else is looked at.
func ReadNames(path, environment string) (Names, error) {
	text, err := read(path)
	if err != nil {
		return Names{}, err
	}
	type section map[string]yaml.Node
	type names struct{ Images, Jobs, Services section }
	var file struct {
		names        `yaml:",inline"`
		Environments map[string]names
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		return Names{}, err
	}
	more := file.Environments[environment]
	sorted := func(sections ...section) []string {
		all := map[string]bool{}
		for _, s := range sections {
			for name := range s {
				all[name] = true
			}
		}
		return slices.Sorted(maps.Keys(all))
	}
	return Names{
		Images:       sorted(file.Images, more.Images),
		Jobs:         sorted(file.Jobs, more.Jobs),
		Services:     sorted(file.Services, more.Services),
		Environments: slices.Sorted(maps.Keys(file.Environments)),
	}, nil
}
