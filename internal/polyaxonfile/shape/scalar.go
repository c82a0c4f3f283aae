package shape

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
)

// IsReference reports whether Polyaxon treats a text as a template that stands for a
// value.
func IsReference(text string) bool {
	_, rest, ok := strings.Cut(text, "{{")
	if !ok {
		return false
	}
	for _, line := range strings.Split(rest, "\n") {
		if i := strings.LastIndex(line, "}}"); i > 0 {
			return true
		}
	}
	return false
}

// shapeScalar converts a scalar to a form. It returns false when the scalar does not fit.
// If exact is true, it accepts only values that need no conversion.
func shapeScalar(c schema.Choice, value any, exact bool) (any, bool) {
	text, isText := value.(string)
	number, isNumber := python.Number(value)
	_, isBool := value.(bool)
	switch c.Form {
	case schema.Any:
		return cleaned(value), true
	case schema.Value:
		if isText {
			return text, true
		}
		return python.JSON(value), value != nil
	case schema.Text:
		return text, isText
	case schema.Name:
		return text, isText && IsName(text)
	case schema.Template:
		return text, isText && IsReference(text)
	case schema.Enum:
		return text, isText && slices.Contains(c.Words, text)
	case schema.Bool:
		if isBool || exact {
			return value, isBool
		}
		return ToBool(value)
	case schema.Int, schema.LooseInt, schema.Count, schema.LooseCount:
		if i, ok := value.(int); ok {
			return i, i > 0 || c.Form == schema.Int || c.Form == schema.LooseInt
		}
		if exact || c.Form == schema.Int || isText && c.Form == schema.Count {
			return nil, false
		}
		i, ok := ToInt(value)
		return i, ok
	case schema.Float, schema.Positive:
		if isText && !exact {
			f, ok := ToFloat(text)
			return f, ok
		}
		return number, isNumber && (!isBool || !exact)
	case schema.StrictFloat:
		return value, isNumber && !isBool
	case schema.Date, schema.DateTime:
		return Time(c.Form, value)
	case schema.Duration:
		return toDuration(value)
	case schema.Quantity, schema.IntOrText:
		return value, true
	}
	return nil, false
}

// ToBool converts a value to a boolean as Polyaxon 2 does. It returns false as its second
// result when Polyaxon refuses the value.
func ToBool(value any) (any, bool) {
	switch x := value.(type) {
	case bool:
		return x, true
	case string:
		switch strings.ToLower(x) {
		case "y", "yes", "t", "true", "on", "1":
			return true, true
		case "n", "no", "f", "false", "off", "0":
			return false, true
		}
	case int, float64:
		n, _ := python.Number(x)
		return n == 1, n == 0 || n == 1
	}
	return nil, false
}

// ToInt converts a value to an integer as Polyaxon 2 does. It returns false as its second
// result when Polyaxon refuses the value.
func ToInt(value any) (any, bool) {
	switch x := value.(type) {
	case int:
		return x, true
	case bool:
		n, _ := python.Number(x)
		return int(n), true
	case float64:
		return int(x), x == math.Trunc(x) && math.Abs(x) < 1<<63
	case string:
		plain := strings.TrimSpace(x)
		if whole, fraction, ok := strings.Cut(plain, "."); ok && strings.Trim(fraction, "0") == "" {
			plain = whole
		}
		if strings.HasPrefix(plain, "_") || strings.HasSuffix(plain, "_") || strings.Contains(plain, "__") {
			return nil, false
		}
		i, err := strconv.Atoi(strings.ReplaceAll(plain, "_", ""))
		return i, err == nil
	}
	return nil, false
}

// ToFloat parses a text as Python's float does.
func ToFloat(text string) (float64, bool) {
	plain := strings.TrimSpace(text)
	if strings.ContainsAny(plain, "xXpP") || strings.HasPrefix(plain, "_") || strings.HasSuffix(plain, "_") || strings.Contains(plain, "__") {
		return 0, false
	}
	f, err := strconv.ParseFloat(strings.ReplaceAll(plain, "_", ""), 64)
	return f, err == nil || math.IsInf(f, 0)
}

// IsName reports whether a text consists of letters, digits, - and _ and is not empty.
func IsName(text string) bool {
	for i := 0; i < len(text); i++ {
		c := text[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	return text != ""
}
