// Package operation defines the operation: the value that is sent to Polyaxon.
package operation

import (
	"bytes"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/check"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
	"go.yaml.in/yaml/v3"
)

// Operation is the value that is sent to Polyaxon: a component with params, whose
// references are all resolved.
type Operation struct{ root map[string]any }

// New returns an operation with these values.
func New(root map[string]any) *Operation { return &Operation{root} }

// Root returns the operation's values. Callers must not change them.
func (o *Operation) Root() map[string]any { return o.root }

// JSON returns the operation as it is sent. Keys are sorted, so that the same operation
// always has the same bytes. Floats keep their point, as in 1.0, because templates see
// it. Infinity and NaN become null, as in Polyaxon's own client.
func (o *Operation) JSON() []byte { return []byte(python.JSON(o.root)) }

// YAML returns the operation in a form for people to read.
func (o *Operation) YAML() []byte {
	var b bytes.Buffer
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	if err := encoder.Encode(o.root); err != nil {
		return o.JSON()
	}
	return b.Bytes()
}

// Parse parses an operation that a server has stored. It returns an error if the content
// is not valid.
func Parse(content []byte) (*Operation, error) {
	f, err := check.Parse("operation", content)
	if err != nil {
		return nil, err
	}
	return &Operation{f.Root()}, nil
}

// LabelPrefix is the prefix of the labels and annotations that slipway sets on pods.
const LabelPrefix = "slipway.dev/"
