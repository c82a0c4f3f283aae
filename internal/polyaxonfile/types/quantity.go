package types

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

// hugeExponent matches exponents larger than any real quantity has. Kubernetes' parser
// takes hours for 1e-999999999.
var hugeExponent = lazyregexp.New(`[eE][-+]?[0-9]{4,}$`)

// maxQuantity is the maximum length of a quantity's text, in bytes.
const maxQuantity = 100

// Quantity parses a value as a Kubernetes quantity, such as 500m, 2 or 4Gi. It returns
// false when the value is not a quantity.
func Quantity(value any) (resource.Quantity, bool) {
	text := fmt.Sprint(value)
	if len(text) > maxQuantity || hugeExponent.MatchString(text) {
		return resource.Quantity{}, false
	}
	q, err := resource.ParseQuantity(text)
	return q, err == nil
}
