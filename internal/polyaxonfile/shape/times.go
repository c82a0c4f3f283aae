package shape

import (
	"slices"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
)

// IsDate reports whether a text is a date of the form 2006-01-02.
func IsDate(text string) bool { return isTime(text, time.DateOnly) }

// IsDateTime reports whether a text is a date or a time in one of the forms of ISO 8601.
func IsDateTime(text string) bool {
	return isTime(text,
		time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02",
		"2006-01-02 15:04:05Z07:00", "2006-01-02T15:04Z07:00",
	)
}

func isTime(text string, forms ...string) bool {
	return slices.ContainsFunc(forms, func(form string) bool { _, err := time.Parse(form, text); return err == nil })
}

// Time converts a value to a date or a time as Polyaxon writes it. A number is in seconds
// since 1970. It returns false when the value is neither.
func Time(form schema.Form, value any) (any, bool) {
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

// toDuration converts a value to seconds.
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
