package secret

import (
	"bytes"
	"encoding/json"
	"strings"
)

// MaskJSON returns a JSON text with all values masked inside of strings. A number that is
// a value becomes the string "***", so that the result is valid JSON.
func (m *Masker) MaskJSON(text []byte) []byte {
	var out bytes.Buffer
	for len(text) > 0 {
		switch c := text[0]; {
		case c == '"':
			n := stringEnd(text)
			out.Write(m.maskString(text[:n]))
			text = text[n:]
		case c == '-' || c >= '0' && c <= '9':
			n := bytes.IndexFunc(text, func(r rune) bool { return !strings.ContainsRune("+-.0123456789eE", r) })
			if n < 0 {
				n = len(text)
			}
			number := string(text[:n])
			if n >= minLengthInWords && m.Mask(number) == masked {
				number = `"` + masked + `"`
			}
			out.WriteString(number)
			text = text[n:]
		default:
			out.WriteByte(c)
			text = text[1:]
		}
	}
	return out.Bytes()
}

// stringEnd returns the length of the JSON string that text begins with.
func stringEnd(text []byte) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

func (m *Masker) maskString(literal []byte) []byte {
	var s string
	if json.Unmarshal(literal, &s) != nil {
		return literal
	}
	hidden := m.Mask(s)
	if hidden == s {
		return literal
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if encoder.Encode(hidden) != nil {
		return []byte(`"` + masked + `"`) // strings always encode
	}
	return bytes.TrimRight(out.Bytes(), "\n")
}
