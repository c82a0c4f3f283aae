package shape

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
)

// IsReference tells whether Polyaxon takes a text for one that stands for a value.
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

// shapeScalar converts a scalar to a form.
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
		return ShapeTime(c.Form, value)
	case schema.Duration:
		return toDuration(value)
	case schema.Quantity, schema.IntOrText:
		return value, true
	}
	return nil, false
}

// ToBool reads what Polyaxon 2 takes for a boolean.
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

// ToInt reads what Polyaxon 2 takes for a whole number.
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

// ToFloat reads a text as Python's float does.
func ToFloat(text string) (float64, bool) {
	plain := strings.TrimSpace(text)
	if strings.ContainsAny(plain, "xXpP") || strings.HasPrefix(plain, "_") || strings.HasSuffix(plain, "_") || strings.Contains(plain, "__") {
		return 0, false
	}
	f, err := strconv.ParseFloat(strings.ReplaceAll(plain, "_", ""), 64)
	return f, err == nil || math.IsInf(f, 0)
}

// ShapeTime gives a date or a time as Polyaxon writes it.
func ShapeTime(form schema.Form, value any) (any, bool) {
	var at time.Time
	switch x := value.(type) {
	case string:
		ok := false
		for _, layout := range []string{
			time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", "2006-01-02T15:04", "2006-01-02 15:04",
			"2006-01-02 15:04:05.999999999Z07:00", "2006-01-02T15:04Z07:00", "2006-01-02",
		} {
			parsed, err := time.Parse(layout, x)
			if err == nil {
				at, ok = parsed, true
				break
			}
		}
		if !ok {
			f, isNumber := ToFloat(x)
			if !isNumber {
				return nil, false
			}
			at = time.UnixMicro(int64(f * 1e6)).UTC()
		}
	case int, float64:
		f, _ := python.Number(x)
		at = time.UnixMicro(int64(f * 1e6)).UTC()
	default:
		return nil, false
	}
	if form == schema.Date {
		return at.Format("2006-01-02"), at.Equal(at.Truncate(24 * time.Hour))
	}
	if at.Nanosecond() >= 1000 {
		return at.Format("2006-01-02T15:04:05.000000-07:00"), true
	}
	return at.Format("2006-01-02T15:04:05-07:00"), true
}

// toDuration gives seconds.
func toDuration(value any) (any, bool) {
	text, isText := value.(string)
	if !isText {
		f, ok := python.Number(value)
		return f, ok
	}
	if clock := strings.Split(strings.TrimPrefix(text, "-"), ":"); len(clock) > 1 {
		total := 0.0
		days, last, found := strings.Cut(clock[0], " ")
		if found {
			n, ok := ToFloat(days)
			if !ok {
				return nil, false
			}
			total, clock[0] = n*86400, strings.TrimSpace(strings.TrimLeft(last, "days, "))
		}
		unit := 3600.0
		for _, part := range clock {
			n, ok := ToFloat(part)
			if !ok {
				return nil, false
			}
			total += n * unit
			unit /= 60
		}
		if strings.HasPrefix(text, "-") {
			total = -total
		}
		return total, true
	}
	rest, signed := strings.CutPrefix(text, "-")
	rest, ok := strings.CutPrefix(strings.TrimPrefix(rest, "+"), "P")
	if !ok || rest == "" {
		return nil, false
	}
	total := 0.0
	units := map[byte]float64{'W': 7 * 86400, 'D': 86400}
	for rest != "" {
		if rest[0] == 'T' {
			units = map[byte]float64{'H': 3600, 'M': 60, 'S': 1}
			rest = rest[1:]
			continue
		}
		end := strings.IndexFunc(rest, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
		if end < 1 || units[rest[end]] == 0 {
			return nil, false
		}
		n, ok := ToFloat(rest[:end])
		if !ok {
			return nil, false
		}
		total += n * units[rest[end]]
		rest = rest[end+1:]
	}
	if signed {
		total = -total
	}
	return total, true
}
