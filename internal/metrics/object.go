package metrics

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// stepKey is the key of an object that says at which step its metrics were measured. It is not
// a metric.
const stepKey = "step"

// maxName is the maximum length of a metric's name, in bytes.
const maxName = 200

// object reads a JSON object of numbers, and of such objects, into the source. where begins the warnings. A value
// that is not a number is left out with a warning. The error says why the text is no object.
func (s *Source) object(text []byte, where string) error {
	decoder := json.NewDecoder(bytes.NewReader(pythonNumbers(text)))
	decoder.UseNumber()
	var values map[string]any
	if err := decoder.Decode(&values); err != nil {
		return reason(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is text after the object")
	}
	if values == nil {
		return errors.New("it is null")
	}
	if step, given := values[stepKey]; given {
		if _, ok := number(step); !ok {
			s.Warn("%s: step is not a number", where)
		}
		delete(values, stepKey)
	}
	s.read(values, "", where)
	return nil
}

// read sets the metrics of an object. The names in an object inside it begin with its own name and a dot.
func (s *Source) read(values map[string]any, prefix, where string) {
	for _, key := range slices.Sorted(maps.Keys(values)) {
		name := prefix + key
		value, isNumber := number(values[key])
		inside, isObject := values[key].(map[string]any)
		switch {
		case !isName(name):
			s.warnOfName(where, name)
		case isObject:
			s.read(inside, name+".", where)
		case !isNumber:
			s.Warn("%s: the value of %q is not a number", where, name)
		default:
			s.Set(name, value)
		}
	}
}

// reason returns an error of package json in plain words.
func reason(err error) error {
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, new(*json.UnmarshalTypeError)):
		return errors.New("it is not a JSON object")
	case errors.As(err, &syntax):
		return fmt.Errorf("it is not valid JSON: %w", err)
	}
	return errors.New("it is not valid JSON: it ends too early")
}

// number returns the number of a decoded value. A number that is too large is infinite.
func number(value any) (float64, bool) {
	switch value := value.(type) {
	case json.Number:
		parsed, err := strconv.ParseFloat(string(value), 64)
		return parsed, err == nil || errors.Is(err, strconv.ErrRange)
	case string:
		switch value {
		case "NaN":
			return math.NaN(), true
		case "Infinity":
			return math.Inf(1), true
		case "-Infinity":
			return math.Inf(-1), true
		}
	}
	return 0, false
}

// isName reports whether text can be the name of a metric: it can be shown in one line of a terminal
// and changes nothing around it.
func isName(text string) bool {
	return text != "" && len(text) <= maxName && utf8.ValidString(text) && strings.TrimSpace(text) == text &&
		!strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError })
}

// pythonNumbers puts NaN, Infinity and -Infinity into quotes. Python's json module writes
// these, although JSON has no such numbers.
func pythonNumbers(text []byte) []byte {
	if !bytes.Contains(text, []byte("NaN")) && !bytes.Contains(text, []byte("Infinity")) {
		return text
	}
	var b bytes.Buffer
	quoted := false
	for at := 0; at < len(text); {
		rest := text[at:]
		word := ""
		for _, one := range []string{"NaN", "Infinity", "-Infinity"} {
			if !quoted && bytes.HasPrefix(rest, []byte(one)) {
				word = one
			}
		}
		switch {
		case word != "":
			b.WriteString(`"` + word + `"`)
			at += len(word)
			continue
		case quoted && rest[0] == '\\' && len(rest) > 1:
			b.Write(rest[:2])
			at += 2
			continue
		case rest[0] == '"':
			quoted = !quoted
		}
		b.WriteByte(rest[0])
		at++
	}
	return b.Bytes()
}
