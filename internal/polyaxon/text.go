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

// text is a value that should be text. Servers answer numbers where every value
// of a log looks like one, and then the text that was printed is lost.
type text string

// UnmarshalJSON takes any value.
func (t *text) UnmarshalJSON(b []byte) error {
	switch {
	case len(b) > 1 && b[0] == '"' && bytes.IndexByte(b, '\\') < 0 && utf8.Valid(b):
		*t = text(b[1 : len(b)-1]) // a log has millions of these
	case len(b) > 0 && b[0] == '"':
		return json.Unmarshal(b, (*string)(t))
	case string(b) == "null":
		*t = ""
	default:
		*t = text(b)
	}
	return nil
}

// plain gives a decoded value that should be text as text.
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

// timeForms are those that servers were seen to send: with T or a blank, and
// without a zone, which then is UTC.
func timeForms() [4]string {
	return [4]string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999"}
}

// UnmarshalJSON of stamp reads a time in any form, as UTC; the zero time stands
// for what is no time.
type stamp time.Time

func (s *stamp) UnmarshalJSON(b []byte) error {
	var t text
	if err := t.UnmarshalJSON(b); err != nil {
		return err
	}
	*s = stamp(parseTime(string(t)))
	return nil
}

// parseTime gives the zero time for what is no time.
func parseTime(value string) time.Time {
	value = strings.TrimSpace(value)
	for _, form := range timeForms() {
		if t, err := time.Parse(form, value); err == nil {
			return t.UTC() // equal times must be equal values
		}
	}
	if epoch, err := strconv.ParseFloat(value, 64); err == nil && epoch > 0 && epoch < 1e15 {
		if epoch > 1e11 { // milliseconds, before the year 5138 in seconds
			epoch /= 1000
		}
		return time.UnixMicro(int64(epoch * 1e6)).UTC()
	}
	return time.Time{}
}

// withoutNaN puts null in place of NaN and Infinity, which Python writes as JSON and
// JSON does not have; nil when there is none.
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

// bare gives how many bytes of text are a number that JSON does not have.
func bare(text []byte) int {
	for _, word := range []string{"NaN", "-Infinity", "Infinity"} {
		if bytes.HasPrefix(text, []byte(word)) {
			return len(word)
		}
	}
	return 0
}
