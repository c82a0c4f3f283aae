package config

import (
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/slipway-ci/slipway/internal/source"
)

// maxOthers is how many environments are looked at besides the chosen one: each costs as
// much as the whole file.
const maxOthers = 50

// others gives what is wrong with the configuration as the environments make it that
// were not chosen: a misspelt job in one is a job that nothing describes. What their
// variables hold only they know, so that one whose variables are unset is left out.
func (c *Config) others(root *yaml.Node, file string, o Options) []*source.Error {
	var errs []*source.Error
	for i := 0; i+1 < len(root.Content); i += 2 {
		environments := root.Content[i+1]
		if root.Content[i].Value != "environments" || environments.Kind != yaml.MappingNode {
			continue
		}
		for j := 0; j+1 < len(environments.Content) && j < 2*maxOthers; j += 2 {
			name, over := environments.Content[j].Value, environments.Content[j+1]
			if name == o.Environment {
				continue
			}
			for _, e := range c.other(without(merge(root, over), "environments"), file, o) {
				e.Message = "with --env " + name + ": " + e.Message
				errs = append(errs, e)
			}
		}
	}
	return errs
}

// other gives what is wrong with the configuration that root describes, nothing when
// the environment lacks a variable that it names.
func (c *Config) other(root *yaml.Node, file string, o Options) []*source.Error {
	d := &decoder{file: file, lookup: o.Lookup, positions: map[string]source.Position{}}
	var spec fileSpec
	d.decode(root, reflect.ValueOf(&spec).Elem(), nil, "")
	for _, e := range d.errs {
		if strings.Contains(e.Message, "is not set") {
			return nil
		}
	}
	if len(d.errs) > 0 {
		return d.errs
	}
	merged := &Config{Path: c.Path, Dir: c.Dir, positions: d.positions}
	merged.fill(&spec)
	return merged.validate()
}
