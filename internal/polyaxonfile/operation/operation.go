// Package operation has the operation: what is sent to Polyaxon.
package operation

import (
	"bytes"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/check"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
	"go.yaml.in/yaml/v3"
)

// Operation is what is sent to Polyaxon: a component with params, and nothing
// that is resolved elsewhere.
type Operation struct{ root map[string]any }

// New makes an operation of its values.
func New(root map[string]any) *Operation { return &Operation{root} }

// Root returns the operation's values. They are its own: callers must not change them.
func (o *Operation) Root() map[string]any { return o.root }

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

// Parse reads an operation that a server kept.
func Parse(content []byte) (*Operation, error) {
	f, err := check.Parse("operation", content)
	if err != nil {
		return nil, err
	}
	return &Operation{f.Root()}, nil
}

// LabelPrefix begins the labels and annotations that slipway puts on pods.
const LabelPrefix = "slipway.dev/"
