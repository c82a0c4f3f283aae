package polyaxon

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// text is a value that should be a string. Servers send numbers when all values of a log
// look like numbers. The text as it was printed is lost then.
type text string

// UnmarshalJSON implements json.Unmarshaler. It accepts any value.
func (t *text) UnmarshalJSON(b []byte) error {
	switch {
	case len(b) > 1 && b[0] == '"' && bytes.IndexByte(b, '\\') < 0 && utf8.Valid(b):
		*t = text(b[1 : len(b)-1]) // fast path: a log has millions of these
	case len(b) > 0 && b[0] == '"':
		return json.Unmarshal(b, (*string)(t))
	case string(b) == "null":
		*t = ""
	default:
		*t = text(b)
	}
	return nil
}

// plain returns a decoded value as text.
func plain(value any) string {
	switch x := value.(type) {
	case nil:
		return ""
	case string:
		return x
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(x)
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(encoded)
}

// timeForms returns the layouts that servers use: with a T or a space, and with or
// without a zone. Times without a zone are in UTC.
func timeForms() [4]string {
	return [4]string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999"}
}

// stamp is a time that is decoded by parseTime.
type stamp time.Time

// UnmarshalJSON implements json.Unmarshaler.
func (s *stamp) UnmarshalJSON(b []byte) error {
	var t text
	if err := t.UnmarshalJSON(b); err != nil {
		return err
	}
	*s = stamp(parseTime(string(t)))
	return nil
}

// parseTime parses a time in one of the layouts of timeForms, or in seconds or
// milliseconds since the Unix epoch. It returns the time in UTC, or the zero time for any
// other text.
func parseTime(value string) time.Time {
	value = strings.TrimSpace(value)
	for _, form := range timeForms() {
		if t, err := time.Parse(form, value); err == nil {
			return t.UTC() // so that equal times are equal values
		}
	}
	if epoch, err := strconv.ParseFloat(value, 64); err == nil && epoch > 0 && epoch < 1e15 {
		if epoch > 1e11 { // milliseconds: in seconds, it would be after the year 5138
			epoch /= 1000
		}
		return time.UnixMicro(int64(epoch * 1e6)).UTC()
	}
	return time.Time{}
}

// withoutNaN replaces NaN and Infinity, which Python writes although JSON does not have
// them, with null. It returns nil if there are none.
func withoutNaN(encoded []byte) []byte {
	if !bytes.Contains(encoded, []byte("NaN")) && !bytes.Contains(encoded, []byte("Infinity")) {
		return nil
	}
	finite := make([]byte, 0, len(encoded))
	quoted := false
	for i := 0; i < len(encoded); i++ {
		c := encoded[i]
		switch {
		case quoted && c == '\\' && i+1 < len(encoded):
			finite = append(finite, c, encoded[i+1])
			i++
			continue
		case c == '"':
			quoted = !quoted
		case !quoted:
			if word := bare(encoded[i:]); word > 0 {
				finite = append(finite, "null"...)
				i += word - 1
				continue
			}
		}
		finite = append(finite, c)
	}
	return finite
}

// bare returns the length of the NaN or Infinity that text begins with, or 0.
func bare(text []byte) int {
	for _, word := range []string{"NaN", "-Infinity", "Infinity"} {
		if bytes.HasPrefix(text, []byte(word)) {
			return len(word)
		}
	}
	return 0
}
