package metrics

import (
	"fmt"
	"math"
	"strconv"
)

// Format returns values as people read them: with six digits, but with all of their digits if two different values
// would look the same.
func Format(values ...float64) []string {
	texts := make([]string, len(values))
	seen := map[string]float64{}
	for n, value := range values {
		texts[n] = fmt.Sprintf("%.6g", value)
		if other, same := seen[texts[n]]; same && other != value {
			return exact(values)
		}
		seen[texts[n]] = value
	}
	return texts
}

// exact returns values with all of their digits.
func exact(values []float64) []string {
	texts := make([]string, len(values))
	for n, value := range values {
		form := byte('g')
		if size := math.Abs(value); 1e-4 <= size && size < 1e15 {
			form = 'f'
		}
		texts[n] = strconv.FormatFloat(value, form, -1, 64)
	}
	return texts
}
