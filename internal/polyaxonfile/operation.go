package polyaxonfile

import (
	"bytes"

	"go.yaml.in/yaml/v3"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
)

// Operation is what is sent to Polyaxon: a component with params, and nothing
// that is resolved elsewhere.
type Operation struct{ root map[string]any }

// JSON gives the operation as it is sent: keys are sorted, so the same operation
// has the same bytes, and 1.0 keeps its point, which templates see. Infinity and what
// is no number become null, as Polyaxon's own client sends them.
func (o *Operation) JSON() []byte { return []byte(python.JSON(o.root)) }

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
