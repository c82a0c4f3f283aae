package compose

import (
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/shape"
)

// Composer merges shaped values as a server of a version does.
type Composer struct{ *shape.Shaper }

// New returns the Composer for a version.
func New(version schema.Version) (*Composer, error) {
	s, err := shape.New(version)
	if err != nil {
		return nil, err
	}
	return &Composer{s}, nil
}

// File returns the object of a whole file: that of an operation or that of a component.
// Polyaxon 2.18 has a single object for both.
func (s *Composer) File(m map[string]any) *schema.Object {
	if file.IsOperation(m) {
		return s.Tables.Object("operation")
	}
	return s.Tables.Object("component")
}
