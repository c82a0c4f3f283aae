package shape

import (
	"math"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
)

// shapeScalar1 converts the scalars that Polyaxon 1.11.3 converts and version 2 does not:
// an integer from whatever Python's int accepts, and a time that keeps its zone or has
// none.
func shapeScalar1(c schema.Choice, value any, exact bool) (any, bool) {
	if exact {
		return nil, false
	}
	switch c.Form {
	case schema.Int, schema.LooseInt, schema.Count, schema.LooseCount:
		if f, isFloat := value.(float64); isFloat && math.Abs(f) < 1<<63 {
			return int(f), true
		}
		return ToInt(value)
	case schema.Moment:
		text, isText := value.(string)
		if !isText || !IsDateTime(text) {
			return nil, false
		}
		at := strings.Replace(text, " ", "T", 1)
		if len(at) == len("2006-01-02T15:04") {
			at += ":00"
		}
		if zone, ok := strings.CutSuffix(at, "Z"); ok {
			at = zone + "+00:00"
		}
		return at, true
	}
	return nil, false
}
