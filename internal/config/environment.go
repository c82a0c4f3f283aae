package config

import (
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/slipway-ci/slipway/internal/source"
)

// maxOthers is how many environments are looked at besides the chosen one: each costs as
// much as the whole file.
const maxOthers = 50

// environments returns the names and the values of those that root has, and the node of
// all, nil for none.
func (d *decoder) environments(root *yaml.Node) (all *yaml.Node, pairs [][2]*yaml.Node) {
	if all = valueAt(root, "environments"); all == nil {
		return nil, nil
	}
	return all, d.pairs(all, []string{"environments"})
}

// overlay returns root with the environment of c laid over it: mappings merge, all else
// is replaced. Every environment is read into c and checked, chosen or not.
func (d *decoder) overlay(root *yaml.Node, c *Config) *yaml.Node {
	all, pairs := d.environments(root)
	result := root
	c.Environments = map[string]*Config{}
	for _, pair := range pairs {
		name := pair[0].Value
		c.Environments[name] = d.environment(name, pair[1])
		if name == c.Environment {
			result = merge(root, pair[1])
		}
	}
	if c.Environment != "" && result == root {
		e := &source.Error{Position: source.Position{File: d.file, Line: 1, Column: 1}, Message: "there is no environment " + c.Environment}
		if all != nil {
			e.Position = d.at(all)
		}
		names := keys(c.Environments)
		if near, ok := source.Nearest(c.Environment, names); ok {
			e.Hint = "did you mean " + near + "?"
		} else if len(names) > 0 {
			e.Hint = "there are " + strings.Join(names, ", ")
		}
		d.errs = append(d.errs, e)
	}
	return result
}

// environment reads what an environment gives by itself. What a whole file needs may be
// missing, and its variables may be unset.
func (d *decoder) environment(name string, n *yaml.Node) *Config {
	part := newDecoder(d.file, nil)
	part.partial = true
	var c Config
	part.decodeConfig(n, &c, "environments", name)
	d.errs = append(d.errs, part.errs...)
	return &c
}

// others returns what is wrong with the configuration as the environments make it that
// were not chosen: a misspelt job in one is a job that nothing describes. What their
// variables hold only they know, so that one whose variables are unset is left out.
func (c *Config) others(root *yaml.Node, d *decoder) []*source.Error {
	var errs []*source.Error
	_, pairs := d.environments(root)
	for _, pair := range pairs[:min(len(pairs), maxOthers)] {
		name := pair[0].Value
		if name == c.Environment {
			continue
		}
		for _, e := range c.other(merge(root, pair[1]), newDecoder(d.file, d.lookup)) {
			e.Message = "with --env " + name + ": " + e.Message
			errs = append(errs, e)
		}
	}
	return errs
}

// other returns what is wrong with the configuration that root describes, nothing when
// the environment lacks a variable that it names.
func (c *Config) other(root *yaml.Node, d *decoder) []*source.Error {
	merged := &Config{Path: c.Path, Dir: c.Dir, positions: d.positions}
	d.decodeConfig(root, merged)
	switch {
	case d.unset:
		return nil
	case len(d.errs) > 0:
		return d.errs
	}
	merged.settle()
	return merged.validate()
}

func merge(below, above *yaml.Node) *yaml.Node {
	for above.Kind == yaml.AliasNode {
		above = above.Alias
	}
	for below.Kind == yaml.AliasNode {
		below = below.Alias
	}
	if below.Kind != yaml.MappingNode || above.Kind != yaml.MappingNode {
		return above
	}
	merged := *below
	merged.Content = append([]*yaml.Node{}, below.Content...)
next:
	for i := 0; i+1 < len(above.Content); i += 2 {
		for j := 0; j+1 < len(merged.Content); j += 2 {
			if merged.Content[j].Value == above.Content[i].Value {
				merged.Content[j+1] = merge(merged.Content[j+1], above.Content[i+1])
				continue next
			}
		}
		merged.Content = append(merged.Content, above.Content[i], above.Content[i+1])
	}
	return &merged
}
