package python

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
)

// Dumps encodes a plain value as Python's json.dumps does: with blanks after commas and
// colons, numbers as Python prints them, and ASCII only.
func Dumps(value any) string {
	switch x := value.(type) {
	case bool:
		return strconv.FormatBool(x)
	case int:
		return Str(x)
	case float64:
		switch {
		case math.IsNaN(x):
			return "NaN"
		case math.IsInf(x, 0):
			return strings.Replace(Str(x), "inf", "Infinity", 1)
		}
		return Str(x)
	case string:
		return ascii(JSON(x))
	}
	if items, ok := Items(value); ok {
		parts := make([]string, len(items))
		for i, item := range items {
			parts[i] = Dumps(item)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	keys, get, ok := Mapping(value)
	if !ok {
		return JSON(value)
	}
	parts := make([]string, len(keys))
	for i, key := range keys {
		element, _ := get(key)
		parts[i] = ascii(JSON(Str(key))) + ": " + Dumps(element)
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// ascii escapes the non-ASCII characters of a JSON text.
func ascii(text string) string {
	var b strings.Builder
	for _, c := range text {
		switch {
		case c < 0x80:
			b.WriteRune(c)
		case c < 0x10000:
			fmt.Fprintf(&b, "\\u%04x", c)
		default:
			high, low := utf16.EncodeRune(c)
			fmt.Fprintf(&b, "\\u%04x\\u%04x", high, low)
		}
	}
	return b.String()
}
