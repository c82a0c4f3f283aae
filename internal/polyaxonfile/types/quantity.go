package types

import (
	"fmt"
	"regexp"

	"k8s.io/apimachinery/pkg/api/resource"
)

// hugeExponent is more than any amount has: Kubernetes' own reader spends hours on
// 1e-999999999.
var hugeExponent = regexp.MustCompile(`[eE][-+]?[0-9]{4,}$`)

// maxQuantity is how long an amount may be as text, in bytes.
const maxQuantity = 100

// Quantity gives an amount as Kubernetes reads it: 500m, 2, 4Gi. It is false for
// what is none.
func Quantity(value any) (resource.Quantity, bool) {
	text := fmt.Sprint(value)
	if len(text) > maxQuantity || hugeExponent.MatchString(text) {
		return resource.Quantity{}, false
	}
	q, err := resource.ParseQuantity(text)
	return q, err == nil
}
