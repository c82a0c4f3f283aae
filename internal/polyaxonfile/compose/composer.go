package compose

import (
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/shape"
)

// Composer lays shaped values over each other, as a server of a version does.
type Composer struct{ *shape.Shaper }

// New returns the composer of a version.
func New(version schema.Version) (*Composer, error) {
	s, err := shape.New(version)
	if err != nil {
		return nil, err
	}
	return &Composer{s}, nil
}

// File gives the object of a whole file. 2.18 has one for components and
// operations.
func (s *Composer) File(m map[string]any) *schema.Object {
	if file.IsOperation(m) {
		return s.Tables.Object("operation")
	}
	return s.Tables.Object("component")
}
