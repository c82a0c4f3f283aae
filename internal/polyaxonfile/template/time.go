package template

import (
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
)

func timeAttribute(t time.Time, name string) (any, bool) {
	numbers := map[string]int{
		"year": t.Year(), "month": int(t.Month()), "day": t.Day(), "hour": t.Hour(), "minute": t.Minute(), "second": t.Second(),
		"microsecond": t.Nanosecond() / 1000,
	}
	if n, ok := numbers[name]; ok {
		return n, true
	}
	switch name {
	case "isoformat":
		return function(func(_ *runtime, args values) (any, error) {
			return strings.Replace(python.Str(t), " ", text(args.get(0, "sep", "T")), 1), nil
		}), true
	case "timestamp":
		return function(func(*runtime, values) (any, error) { return float64(t.UnixMicro()) / 1e6, nil }), true
	case "strftime":
		return function(func(_ *runtime, args values) (any, error) { return formatTime(t, text(args.get(0, "format", ""))) }), true
	}
	return nil, false
}

func formatTime(t time.Time, layout string) (any, error) {
	forms := map[byte]string{
		'Y': "2006", 'm': "01", 'd': "02", 'H': "15", 'M': "04", 'S': "05", 'y': "06", 'b': "Jan", 'B': "January", 'a': "Mon", 'A': "Monday",
		'I': "03", 'p': "PM", 'j': "002", 'z': "-0700", 'Z': "MST", 'F': "2006-01-02", 'T': "15:04:05", 'f': "000000",
	}
	var b strings.Builder
	for i := 0; i < len(layout); i++ {
		if layout[i] != '%' || i+1 == len(layout) {
			b.WriteByte(layout[i])
			continue
		}
		i++
		switch form, ok := forms[layout[i]]; {
		case layout[i] == '%':
			b.WriteByte('%')
		case layout[i] == 'f':
			b.WriteString(t.Format(".000000")[1:])
		case ok:
			b.WriteString(t.Format(form))
		default:
			return nil, errorf("ValueError", "strftime's %%%c is not built into slipway", layout[i])
		}
	}
	return b.String(), nil
}
