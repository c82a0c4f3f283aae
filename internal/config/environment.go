package config

import (
	"cmp"

	"go.yaml.in/yaml/v3"

	"github.com/slipway-ci/slipway/internal/source"
)

// maxEnvironments is how many environments are checked besides the chosen one. Checking one
// costs as much as loading the whole file.
const maxEnvironments = 50

// environments returns the mapping of environments in root, or nil if there is none, and
// its names and values.
func (d *decoder) environments(root *yaml.Node) (all *yaml.Node, pairs [][2]*yaml.Node) {
	if all = valueAt(root, "environments"); all == nil {
		return nil, nil
	}
	return all, d.pairs(all, []string{"environments"})
}

// overlay returns root merged with the environment that c names: mappings are merged, all
// other values are replaced. It decodes and checks every environment into c.Environments,
// not only the chosen one.
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
		e := &source.Error{Position: source.Position{File: d.file, Line: 1, Column: 1}, Message: "environment " + c.Environment + " not found"}
		if all != nil {
			e.Position = d.at(all)
		}
		e.Hint = cmp.Or(source.Suggest(c.Environment, "known names are ", keys(c.Environments)), "slipway.yaml has no environments: leave it out, or add environments")
		d.errs = append(d.errs, e)
	}
	return result
}

// environment decodes an environment by itself. Required keys may be missing, and
// environment variables may be unset.
func (d *decoder) environment(name string, n *yaml.Node) *Config {
	part := newDecoder(d.file, nil)
	part.partial = true
	var c Config
	part.decodeConfig(n, &c, "environments", name)
	d.errs = append(d.errs, part.errs...)
	return &c
}

// checkEnvironments checks the configuration as each of the other environments would make
// it, and returns the errors. A misspelt job in an environment, for example, shows only
// after the merge, as a job without a Polyaxonfile. An environment is skipped if a variable
// that it needs is not set, as it may be set only where that environment is used.
func (c *Config) checkEnvironments(root *yaml.Node, d *decoder) []*source.Error {
	var errs []*source.Error
	_, pairs := d.environments(root)
	for _, pair := range pairs[:min(len(pairs), maxEnvironments)] {
		name := pair[0].Value
		if name == c.Environment {
			continue
		}
		for _, e := range c.checkMerged(merge(root, pair[1]), newDecoder(d.file, d.lookup)) {
			e.Message = "with --env " + name + ": " + e.Message
			errs = append(errs, e)
		}
	}
	return errs
}

// checkMerged returns the errors of the configuration that root describes, or nil if a variable
// that root names is not set.
func (c *Config) checkMerged(root *yaml.Node, d *decoder) []*source.Error {
	merged := &Config{Path: c.Path, Dir: c.Dir, positions: d.positions}
	d.decodeConfig(root, merged)
	switch {
	case d.unset:
		return nil
	case len(d.errs) > 0:
		return d.errs
	}
	merged.setDefaults()
	return merged.validate()
}

// merge returns above laid over below. Mappings are merged key by key; any other value of
// above replaces that of below. Neither is changed.
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
