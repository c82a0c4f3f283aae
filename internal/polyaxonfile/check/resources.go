package check

import (
	"math"
	"math/big"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"k8s.io/apimachinery/pkg/api/resource"
)

// amounts are the valid amounts of the shortcut resources: a number, and for cpu and
// memory a unit.
var amounts = map[string]*lazyregexp.Regexp{
	"cpu":    lazyregexp.New(`^(?:\d+\.?\d*|\.\d+)[num]?$`),
	"memory": lazyregexp.New(`^(?:\d+\.?\d*|\.\d+)(?:[KMGTPE]i|[kMGTPE])?$`),
	"":       lazyregexp.New(`^\d+$`),
}

// resources checks the shortcut resources of 2.18: cpu, memory, gpu and extended
// resources. Each is a number or a range such as 1..2, 1.. or ..2.
func (v *validator) resources(m map[string]any, p *file.Place) {
	for _, key := range orderedKeys(m, p) {
		path, at := v.child(p, key)
		amount, known := amounts[key]
		if !known {
			amount = amounts[""]
		}
		switch {
		case key == "nvidia.com/gpu":
			v.fail("unknown-key", at.AtKey(), path, "write it as gpu", "resources has no key %s", key)
		case !known && key != "gpu" && !strings.Contains(key, "/"):
			v.fail("unknown-key", at.AtKey(), path, "use cpu, memory, gpu or the full name of an extended resource; others go into container.resources",
				"resources has no key %s", key)
		case !isAmount(m[key], amount, known):
			v.fail("bad-quantity", at.At, path, "write a number, or a range such as 1..2", "%s is not a valid amount of %s: %s", strings.Join(path, "."), key, typeName(m[key]))
		}
	}
}

func isAmount(value any, amount *lazyregexp.Regexp, fractions bool) bool {
	switch x := value.(type) {
	case int:
		return x >= 0
	case *big.Int:
		return x.Sign() >= 0
	case float64:
		return fractions && x >= 0 && !math.IsInf(x, 0)
	case string:
		from, to, isRange := strings.Cut(x, "..")
		from, to = strings.TrimSpace(from), strings.TrimSpace(to)
		switch {
		case !isRange:
			return amount.MatchString(from)
		case from == "" && to == "":
			return false
		}
		return (from == "" || amount.MatchString(from)) && (to == "" || amount.MatchString(to)) && !exceeds(from, to)
	}
	return false
}

// exceeds reports whether a range ends before it begins.
func exceeds(from, to string) bool {
	low, err := resource.ParseQuantity(from)
	if err != nil {
		return false
	}
	high, err := resource.ParseQuantity(to)
	return err == nil && low.Cmp(high) > 0
}
