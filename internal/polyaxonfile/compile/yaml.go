package compile

import (
	"bytes"

	"go.yaml.in/yaml/v3"
)

// YAML returns the compiled operation in a form for people to read, with the keys in the
// order of JSON.
func (c *Compiled) YAML() []byte { return yamlOf(c.JSON()) }

// yamlOf converts JSON to YAML that is easy to read.
func yamlOf(text []byte) []byte {
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return text
	}
	plainStyle(&document)
	var b bytes.Buffer
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	if err := encoder.Encode(&document); err != nil {
		return text
	}
	return b.Bytes()
}

// plainStyle resets the style of all nodes, so that the encoder chooses brackets and
// quotes.
func plainStyle(n *yaml.Node) {
	n.Style = 0
	for _, child := range n.Content {
		plainStyle(child)
	}
}
