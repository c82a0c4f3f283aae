package compile

import (
	"slices"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/converter"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/plain"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/types"
)

// PodTemplates returns the pod templates of a resolved run as the converter of its
// version creates them. The template of a job or a service is under "". A distributed run
// has one template for each replica, under the replica's key.
func (c *Compiled) PodTemplates() map[string]map[string]any {
	variables := c.variables()
	sidecar := plain.Map(plain.Map(c.root["plugins"])["sidecar"])
	templates := map[string]map[string]any{}
	for key, spec := range c.pods() {
		run := converter.Run{
			Version: c.version, Kind: c.Kind, Spec: spec, Variables: variables, Connections: podConnections(c.context, spec),
			PlainSidecars: sidecar["noConnections"] == true, Replica: key != "",
		}
		templates[key] = run.Template()
	}
	return templates
}

// PodJSON returns the pod of a resolved run as JSON. For a distributed run it returns the
// pods by replica.
func (c *Compiled) PodJSON() []byte {
	pods := map[string]any{}
	for key, template := range c.PodTemplates() {
		if key == "" {
			return []byte(python.JSON(template))
		}
		pods[key] = template
	}
	return []byte(python.JSON(pods))
}

// PodYAML returns what PodJSON returns, as YAML.
func (c *Compiled) PodYAML() []byte { return yamlOf(c.PodJSON()) }

// variables returns the params that become environment variables, in order.
func (c *Compiled) variables() []converter.Variable {
	var all []converter.Variable
	for _, section := range []string{"inputs", "outputs", "contexts"} {
		for _, io := range types.ReadIO(c.root, section) {
			if io.ToEnv != "" {
				all = append(all, converter.Variable{Name: io.ToEnv, Value: io.Value})
			}
		}
	}
	return all
}

func podConnections(x Context, spec map[string]any) []converter.Connection {
	var all []converter.Connection
	own, initial := names(spec["connections"]), initConnections(spec)
	for i, name := range append(slices.Clone(own), initial...) {
		found, ok := x.connection(name)
		if !ok || slices.ContainsFunc(all, func(c converter.Connection) bool { return c.Name == name }) {
			continue
		}
		all = append(all, converter.Connection{Name: name, Kind: found.Kind, Schema: found.Schema, InitOnly: i >= len(own)})
	}
	return all
}

// Run returns a copy of the run section. After Resolve, its templates are rendered.
func (c *Compiled) Run() map[string]any { return plain.Clone(plain.Map(c.root["run"])) }
