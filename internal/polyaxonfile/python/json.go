package python

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// JSON returns the compact JSON that Polyaxon writes. NaN and infinity become null, and
// floats keep their point.
func JSON(value any) string {
	var b strings.Builder
	writeJSON(&b, value)
	return b.String()
}

func writeJSON(b *strings.Builder, value any) {
	switch x := value.(type) {
	case nil:
		b.WriteString("null")
	case bool:
		b.WriteString(strconv.FormatBool(x))
	case int:
		b.WriteString(strconv.Itoa(x))
	case *big.Int:
		b.WriteString(x.String())
	case float64:
		switch {
		case math.IsNaN(x) || math.IsInf(x, 0):
			b.WriteString("null")
		case x != 0 && (math.Abs(x) < 1e-5 || math.Abs(x) >= 1e16):
			text := strconv.FormatFloat(x, 'e', -1, 64)
			text = strings.Replace(strings.Replace(text, "e+", "e", 1), "e-0", "e-", 1)
			b.WriteString(text)
		default:
			text := strconv.FormatFloat(x, 'f', -1, 64)
			if !strings.Contains(text, ".") {
				text += ".0"
			}
			b.WriteString(text)
		}
	case string:
		writeString(b, x)
	default:
		if list, ok := Items(value); ok {
			b.WriteByte('[')
			for i, element := range list {
				if i > 0 {
					b.WriteByte(',')
				}
				writeJSON(b, element)
			}
			b.WriteByte(']')
			return
		}
		keys, get, ok := Mapping(value)
		if !ok {
			writeJSON(b, fmt.Sprint(value))
			return
		}
		b.WriteByte('{')
		for i, key := range keys {
			if i > 0 {
				b.WriteByte(',')
			}
			writeJSON(b, Str(key))
			b.WriteByte(':')
			element, _ := get(key)
			writeJSON(b, element)
		}
		b.WriteByte('}')
	}
}

// writeString writes a string. Unlike Polyaxon, encoding/json escapes the characters that
// separate lines and paragraphs, so they are written between the parts that it encodes.
func writeString(b *strings.Builder, text string) {
	b.WriteByte('"')
	for {
		end := strings.IndexAny(text, "\u2028\u2029")
		part := text
		if end >= 0 {
			part = text[:end]
		}
		var encoded bytes.Buffer
		encoder := json.NewEncoder(&encoded)
		encoder.SetEscapeHTML(false)
		_ = encoder.Encode(part) // encoding a string cannot fail
		b.WriteString(strings.TrimSuffix(encoded.String()[1:], "\"\n"))
		if end < 0 {
			break
		}
		separator := len("\u2028")
		b.WriteString(text[end : end+separator])
		text = text[end+separator:]
	}
	b.WriteByte('"')
}

// ParseJSON parses one JSON value. Integers become int; other numbers, and integers that
// int cannot hold, become float64. It returns an error for text after the value, and for
// a number beyond the range of float64.
func ParseJSON(text string) (any, error) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more than one value")
	}
	return numbers(value)
}

func numbers(value any) (any, error) {
	var err error
	switch x := value.(type) {
	case json.Number:
		if i, err := strconv.Atoi(x.String()); err == nil {
			return i, nil
		}
		return x.Float64()
	case []any:
		for i := range x {
			if x[i], err = numbers(x[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for key := range x {
			if x[key], err = numbers(x[key]); err != nil {
				return nil, err
			}
		}
	}
	return value, nil
}
