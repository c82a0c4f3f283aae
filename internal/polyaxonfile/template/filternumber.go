package template

import (
	"math"
	"strconv"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
)

func absolute(_ *runtime, value any, _ values) (any, error) {
	switch x := value.(type) {
	case int:
		return max(x, -x), nil
	case float64:
		return math.Abs(x), nil
	case bool:
		f, _ := python.Number(x)
		return int(f), nil
	}
	if err := defined(value); err != nil {
		return nil, err
	}
	return nil, errorf("TypeError", "bad operand type for abs(): '%s'", typeName(value))
}

// parseFloat parses a number as Python's float does.
func parseFloat(s string) (float64, bool) {
	s = strings.Trim(s, blanks)
	if strings.ContainsAny(s, "xXpP") || strings.HasPrefix(s, "_") || strings.HasSuffix(s, "_") || strings.Contains(s, "__") {
		return 0, false
	}
	f, err := strconv.ParseFloat(strings.ReplaceAll(s, "_", ""), 64)
	return f, err == nil || math.IsInf(f, 0)
}

func toFloat(_ *runtime, value any, args values) (any, error) {
	if f, ok := python.Number(value); ok {
		return f, nil
	}
	if s, ok := value.(string); ok {
		if f, ok := parseFloat(s); ok {
			return f, nil
		}
	}
	return args.get(0, "default", 0.0), nil
}

func toInt(_ *runtime, value any, args values) (any, error) {
	base, err := count(args, 1, "base", 10)
	if err != nil {
		return nil, err
	}
	switch x := value.(type) {
	case int:
		return x, nil
	case bool:
		f, _ := python.Number(x)
		return int(f), nil
	case float64:
		if math.IsNaN(x) || math.Abs(x) >= 1<<63 {
			return args.get(0, "default", 0), nil
		}
		return int(x), nil
	case string:
		digits := strings.ToLower(strings.Trim(x, blanks))
		if base == 16 || base == 8 || base == 2 {
			digits = strings.TrimPrefix(digits, map[int]string{16: "0x", 8: "0o", 2: "0b"}[base])
		}
		if i, err := strconv.ParseInt(strings.ReplaceAll(digits, "_", ""), base, 64); err == nil {
			return int(i), nil
		}
		if f, ok := parseFloat(x); ok && math.Abs(f) < 1<<63 {
			return int(f), nil
		}
	}
	return args.get(0, "default", 0), nil
}

func round(_ *runtime, value any, args values) (any, error) {
	f, ok := python.Number(value)
	if !ok {
		if err := defined(value); err != nil {
			return nil, err
		}
		return nil, errorf("TypeError", "type %s doesn't define __round__ method", typeName(value))
	}
	precision, err := count(args, 0, "precision", 0)
	if err != nil {
		return nil, err
	}
	scale := math.Pow(10, float64(precision))
	switch how := args.get(1, "method", "common"); how {
	case "common":
		if i, isInt := value.(int); isInt && precision >= 0 {
			return i, nil
		}
		if precision < 0 || precision > 300 {
			return math.RoundToEven(f*scale) / scale, nil
		}
		rounded, err := strconv.ParseFloat(strconv.FormatFloat(f, 'f', precision, 64), 64)
		return rounded, err
	case "ceil":
		return math.Ceil(f*scale) / scale, nil
	case "floor":
		return math.Floor(f*scale) / scale, nil
	default:
		return nil, errorf("FilterArgumentError", "method must be common, ceil or floor")
	}
}
