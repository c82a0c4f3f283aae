package python

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Str formats a value as Python's str does, which is also how Jinja inserts it into a
// text.
func Str(value any) string {
	switch x := value.(type) {
	case string:
		return x
	case time.Time:
		if x.Nanosecond() >= 1000 {
			return x.Format("2006-01-02 15:04:05.000000-07:00")
		}
		return x.Format("2006-01-02 15:04:05-07:00")
	}
	return Repr(value)
}

// Repr formats a value as Python's repr does, with quotes around strings.
func Repr(value any) string {
	var b strings.Builder
	printTo(&b, value)
	return b.String()
}

func printTo(b *strings.Builder, value any) {
	switch x := value.(type) {
	case nil:
		b.WriteString("None")
	case bool:
		if x {
			b.WriteString("True")
		} else {
			b.WriteString("False")
		}
	case int:
		b.WriteString(strconv.Itoa(x))
	case float64:
		b.WriteString(float(x))
	case string:
		quote(b, x)
	case Tuple:
		b.WriteByte('(')
		elements(b, x)
		if len(x) == 1 {
			b.WriteByte(',')
		}
		b.WriteByte(')')
	case []any:
		b.WriteByte('[')
		elements(b, x)
		b.WriteByte(']')
	case *List:
		printTo(b, x.Items)
	case time.Time:
		b.WriteString("datetime.datetime(" + x.Format("2006, 1, 2, 15, 4, 5") + ")")
	default:
		keys, get, ok := Mapping(value)
		if !ok {
			fmt.Fprint(b, value)
			return
		}
		b.WriteByte('{')
		for i, key := range keys {
			if i > 0 {
				b.WriteString(", ")
			}
			printTo(b, key)
			b.WriteString(": ")
			element, _ := get(key)
			printTo(b, element)
		}
		b.WriteByte('}')
	}
}

func elements(b *strings.Builder, list []any) {
	for i, element := range list {
		if i > 0 {
			b.WriteString(", ")
		}
		printTo(b, element)
	}
}

// float formats a float as Python does, as the shortest text that is read as the same
// number: 1.0, 1e-05, 1e+16.
func float(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	if magnitude := math.Abs(f); magnitude != 0 && (magnitude < 1e-4 || magnitude >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	text := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}

func quote(b *strings.Builder, text string) {
	mark := '\''
	if strings.ContainsRune(text, '\'') && !strings.ContainsRune(text, '"') {
		mark = '"'
	}
	b.WriteRune(mark)
	for _, r := range text {
		switch {
		case r == mark || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(b, `\x%02x`, r)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r <= 0xff:
			fmt.Fprintf(b, `\x%02x`, r)
		case r <= 0xffff:
			fmt.Fprintf(b, `\u%04x`, r)
		default:
			fmt.Fprintf(b, `\U%08x`, r)
		}
	}
	b.WriteRune(mark)
}
