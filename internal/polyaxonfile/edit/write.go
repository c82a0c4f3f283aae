package edit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/yaml11"
)

// style is the formatting of a document.
type style struct {
	// json means that keys and texts are in double quotes.
	json bool
	// step is the number of spaces by which a nested mapping is indented.
	step int
	// flush means that the dashes of a list are not indented below the list's key.
	flush bool
	// pad is the text inside of braces, next to each brace.
	pad string
	// line is the line break.
	line string
}

// styleOf determines the formatting of a document. What the document does not show is
// taken from Polyaxon's examples.
func styleOf(d *document) style {
	s := style{line: "\n", flush: true, json: flow(d.root)}
	if bytes.Contains(d.text, []byte("\r\n")) {
		s.line = "\r\n"
	}
	steps, lists, flush, padded, braces := map[int]int{}, 0, 0, 0, 0
	var look func(*yaml.Node)
	look = func(n *yaml.Node) {
		if flow(n) && n.Kind == yaml.MappingNode && len(n.Content) > 0 {
			braces++
			if at := d.content(n); at+1 < len(d.text) && d.text[at+1] == ' ' {
				padded++
			}
		}
		for i, child := range n.Content {
			if n.Kind == yaml.MappingNode && i%2 == 1 && block(n) && block(child) && child.Line > n.Content[i-1].Line {
				in := child.Column - n.Content[i-1].Column
				if child.Kind == yaml.SequenceNode {
					if lists++; in == 0 {
						flush++
					} else {
						steps[in]++
					}
				} else if in > 0 {
					steps[in]++
				}
			}
			if n.Kind == yaml.MappingNode && i%2 == 0 && child.Style&yaml.DoubleQuotedStyle == 0 {
				s.json = false
			}
			look(child)
		}
	}
	look(d.root)
	for step, count := range steps {
		if count > steps[s.step] || count == steps[s.step] && step < s.step {
			s.step = step
		}
	}
	if s.step == 0 {
		s.step = 2
	}
	if lists > 0 {
		s.flush = 2*flush > lists
	}
	if 2*padded > braces {
		s.pad = " "
	}
	return s
}

// These texts are safe without quotes: plainWords in block style, plainWord in flow
// style.
var (
	plainWords = lazyregexp.New(`^[\pL0-9_/.][\pL0-9_./@+-]*(?:(?:[ :]|, )[\pL0-9_./@+-]+)*$`)
	plainWord  = lazyregexp.New(`^[\pL0-9_/.][\pL0-9_./@+-]*$`)
)

// isPlainSafe reports whether a text may be written without quotes and is still read as text,
// both by YAML 1.1 and by YAML 1.2.
func isPlainSafe(text string, inFlow bool) bool {
	words := plainWords
	if inFlow {
		words = plainWord
	}
	if !words.MatchString(text) || text == "y" || text == "n" || text == "Y" || text == "N" {
		return false
	}
	n := &yaml.Node{Kind: yaml.ScalarNode, Value: text}
	_, isText := yaml11.Scalar(n).(string)
	return isText && n.ShortTag() == "!!str"
}

// scalar formats a scalar. like is the style of the scalar that it replaces.
func (s style) scalar(value any, like yaml.Style, inFlow bool) string {
	switch x := value.(type) {
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(x)
	case int:
		return strconv.Itoa(x)
	case float64:
		return float(x)
	}
	text := fmt.Sprint(value)
	if _, isNumber := value.(*big.Int); isNumber {
		return text
	}
	switch {
	case s.json, like&yaml.DoubleQuotedStyle != 0:
	case like&yaml.SingleQuotedStyle != 0 && printable(text):
		return "'" + strings.ReplaceAll(text, "'", "''") + "'"
	case isPlainSafe(text, inFlow):
		return text
	}
	return quote(text)
}

// float formats a number so that YAML 1.1 does not read it as text or as an integer. YAML
// 1.1 requires a point, and a sign in the exponent.
func float(x float64) string {
	switch {
	case math.IsNaN(x):
		return ".nan"
	case math.IsInf(x, 1):
		return ".inf"
	case math.IsInf(x, -1):
		return "-.inf"
	}
	text := strconv.FormatFloat(x, 'g', -1, 64)
	mantissa, exponent, scientific := strings.Cut(text, "e")
	if !strings.Contains(mantissa, ".") {
		mantissa += ".0"
	}
	if scientific {
		return mantissa + "e" + exponent
	}
	return mantissa
}

func printable(text string) bool {
	for _, r := range text {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 || r >= 0xfff0 && r <= 0xffff || r == 0xfeff {
			return false
		}
	}
	return true
}

// quote writes a text in double quotes, with escapes that are valid in both JSON and
// YAML.
func quote(text string) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(text); err != nil {
		return `""` // encoding a string cannot fail
	}
	quoted := strings.TrimSuffix(b.String(), "\n")
	if printable(quoted) {
		return quoted
	}
	var escaped strings.Builder
	for _, r := range quoted {
		if printable(string(r)) {
			escaped.WriteRune(r)
		} else {
			fmt.Fprintf(&escaped, `\u%04x`, r)
		}
	}
	return escaped.String()
}

// flow formats a value in flow style on one line.
func (s style) flow(value any) string {
	switch x := value.(type) {
	case map[string]any:
		if len(x) == 0 {
			return "{}"
		}
		pairs := make([]string, 0, len(x))
		for _, key := range order(x) {
			pairs = append(pairs, s.scalar(key, 0, true)+": "+s.flow(x[key]))
		}
		return "{" + s.pad + strings.Join(pairs, ", ") + s.pad + "}"
	case []any:
		items := make([]string, len(x))
		for i, item := range x {
			items[i] = s.flow(item)
		}
		return "[" + strings.Join(items, ", ") + "]"
	}
	return s.scalar(value, 0, true)
}

// block formats a value in block style. Its first line is already indented by indent.
// inline reports whether the text must follow a key or a dash on the same line.
func (s style) block(value any, indent int) (text string, inline bool) {
	in := s.line + strings.Repeat(" ", indent)
	switch x := value.(type) {
	case map[string]any:
		if len(x) == 0 {
			return "{}", true
		}
		lines := make([]string, 0, len(x))
		for _, key := range order(x) {
			lines = append(lines, s.pair(key, x[key], indent))
		}
		return strings.Join(lines, in), false
	case []any:
		if len(x) == 0 {
			return "[]", true
		}
		lines := make([]string, len(x))
		for i, item := range x {
			lines[i] = s.item(item, indent)
		}
		return strings.Join(lines, in), false
	}
	return s.scalar(value, 0, false), true
}

// pair formats a key at indentation indent, with its value.
func (s style) pair(key string, value any, indent int) string {
	name := s.scalar(key, 0, false) + ":"
	inner := s.inner(value, indent)
	text, inline := s.block(value, inner)
	if inline {
		return name + " " + text
	}
	return name + s.line + strings.Repeat(" ", inner) + text
}

// inner returns the indentation of a value whose key is at indentation indent.
func (s style) inner(value any, indent int) int {
	if _, isList := value.([]any); isList && s.flush {
		return indent
	}
	return indent + s.step
}

// item formats an element of a list whose dash is at indentation indent.
func (s style) item(value any, indent int) string {
	text, _ := s.block(value, indent+2)
	return "- " + text
}

// order returns a mapping's keys in the order in which people write them: names first.
func order(m map[string]any) []string {
	first := []string{"version", "kind", "name", "key"}
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	rank := func(key string) int {
		if i := slices.Index(first, key); i >= 0 {
			return i
		}
		return len(first)
	}
	slices.SortFunc(keys, func(a, b string) int {
		if d := rank(a) - rank(b); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	return keys
}
