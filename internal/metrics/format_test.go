package metrics_test

import (
	"math"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/metrics"
)

// TestFormat shortens values, unless that would hide a difference.
func TestFormat(t *testing.T) {
	for want, values := range map[string][]float64{
		"0.3 0.9":                   {0.1 + 0.2, 0.9},
		"0.8999999 0.9":             {0.8999999, 0.9},
		"1234567 1234568":           {1234567, 1234568},
		"1.23457e+06 1.23457e+06":   {1234567, 1234567},
		"0.9207 0.9207000000000001": {0.9207, 0.9207000000000001},
		"NaN":                       {math.NaN()},
	} {
		if got := strings.Join(metrics.Format(values...), " "); got != want {
			t.Errorf("%v are shown as %s, want %s", values, got, want)
		}
	}
}
