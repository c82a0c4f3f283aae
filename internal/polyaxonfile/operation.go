package polyaxonfile

import (
	"bytes"
	"encoding/json"

	"go.yaml.in/yaml/v3"
)

// Operation is what is sent to Polyaxon: a component with params, and nothing
// that is resolved elsewhere.
type Operation struct{ root map[string]any }

// JSON gives the operation as it is sent: keys are sorted, so the same operation
// has the same bytes.
func (o *Operation) JSON() []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(o.root); err != nil {
		return nil // plain values always encode
	}
	return bytes.TrimSpace(b.Bytes())
}

// YAML gives the operation for people.
func (o *Operation) YAML() []byte {
	var b bytes.Buffer
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	if err := encoder.Encode(o.root); err != nil {
		return o.JSON()
	}
	return b.Bytes()
}

// ParseOperation reads an operation that a server kept.
func ParseOperation(content []byte) (*Operation, error) {
	f, err := Parse("operation", content)
	if err != nil {
		return nil, err
	}
	return &Operation{f.root}, nil
}
