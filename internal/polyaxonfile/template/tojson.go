package template

import (
	"fmt"
	"math"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
)

func toJSON(_ *runtime, value any, args values) (any, error) {
	if err := defined(value); err != nil {
		return nil, errorf("TypeError", "Object of type Undefined is not JSON serializable")
	}
	width := -1
	if n, ok := args.get(0, "indent", nil).(int); ok {
		width = min(n, 80)
	}
	var b strings.Builder
	if err := dumps(&b, value, width, 0); err != nil {
		return nil, err
	}
	return strings.NewReplacer("<", `\u003c`, ">", `\u003e`, "&", `\u0026`, "'", `\u0027`).Replace(b.String()), nil
}

// dumps writes JSON as Python's json.dumps does, with sorted keys.
func dumps(b *strings.Builder, value any, width, level int) error {
	if b.Len() > maxText || level > maxDepth {
		return errorf("OverflowError", "a text grows beyond 1 MiB")
	}
	line := func(level int) {
		if width >= 0 {
			b.WriteString("\n" + strings.Repeat(" ", width*level))
		}
	}
	separator := ", "
	if width >= 0 {
		separator = ","
	}
	if items, ok := python.Items(value); ok {
		b.WriteByte('[')
		for i, item := range items {
			if i > 0 {
				b.WriteString(separator)
			}
			line(level + 1)
			if err := dumps(b, item, width, level+1); err != nil {
				return err
			}
		}
		if len(items) > 0 {
			line(level)
		}
		b.WriteByte(']')
		return nil
	}
	if keys, get, ok := python.Mapping(value); ok {
		all, err := ordered(keys, true, false, func(key any) (any, error) { return key, nil })
		if err != nil {
			return err
		}
		keys, _ = python.Items(all)
		b.WriteByte('{')
		for i, key := range keys {
			if i > 0 {
				b.WriteString(separator)
			}
			line(level + 1)
			name := text(key)
			switch key.(type) {
			case bool, nil:
				name = python.JSON(key)
			}
			b.WriteString(ascii(python.JSON(name)) + ": ")
			element, _ := get(key)
			if err := dumps(b, element, width, level+1); err != nil {
				return err
			}
		}
		if len(keys) > 0 {
			line(level)
		}
		b.WriteByte('}')
		return nil
	}
	switch x := value.(type) {
	case string:
		b.WriteString(ascii(python.JSON(x)))
	case float64:
		switch {
		case math.IsNaN(x):
			b.WriteString("NaN")
		case math.IsInf(x, 0):
			b.WriteString(strings.Replace(python.Str(x), "inf", "Infinity", 1))
		default:
			b.WriteString(python.Str(x))
		}
	case nil, bool, int:
		b.WriteString(python.JSON(x))
	default:
		return errorf("TypeError", "Object of type %s is not JSON serializable", typeName(value))
	}
	return nil
}

// ascii writes non-ASCII characters as \u escapes.
func ascii(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r < 0x7f:
			b.WriteRune(r)
		case r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}
