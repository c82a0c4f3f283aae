package polyaxonfile

import (
	"fmt"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"strings"
)

const (
	maxRounds = 10      // of rendering what was rendered
	maxText   = 1 << 20 // of a rendered text, in bytes
)

// TemplateError is a template that cannot be rendered.
type TemplateError struct{ Message string }

// Error gives the message.
func (e *TemplateError) Error() string { return e.Message }

func templateErrorf(format string, args ...any) error {
	return &TemplateError{fmt.Sprintf(format, args...)}
}

// expression is a whole text that is one expression.
var expression = regexp.MustCompile(`^\{\{([^{}]*)\}\}$`)

// render renders a text as Polyaxon 2.18 does with Jinja: names that nothing
// defines are empty, and the result is rendered again until it stays as it is. A
// text that is one expression of nothing gives nil.
func render(text string, scope map[string]any) (any, error) {
	for range maxRounds {
		if !templated(text) {
			return text, nil
		}
		if m := expression.FindStringSubmatch(strings.TrimSpace(text)); m != nil {
			value, err := evaluate(m[1], scope)
			if err != nil {
				return nil, err
			}
			if value == nil {
				return nil, nil
			}
		}
		next, err := renderOnce(text, scope)
		if err != nil {
			return nil, err
		}
		if len(next) > maxText {
			return nil, templateErrorf("a template grows beyond 1 MiB")
		}
		if next == text {
			return text, nil
		}
		text = next
	}
	return text, nil
}

// renderOnce renders each {{ }} and {% if %} of a text once.
func renderOnce(text string, scope map[string]any) (string, error) {
	var b strings.Builder
	// Each open if holds whether its branch is written, and whether one was.
	type branch struct{ done, outer bool }
	var open []branch
	on := true
	for text != "" {
		start := strings.IndexAny(text, "{")
		if start < 0 || start+1 >= len(text) {
			if on {
				b.WriteString(text)
			}
			break
		}
		kind := text[start : start+2]
		if kind != "{{" && kind != "{%" && kind != "{#" {
			if on {
				b.WriteString(text[:start+1])
			}
			text = text[start+1:]
			continue
		}
		if on {
			b.WriteString(text[:start])
		}
		closing := map[string]string{"{{": "}}", "{%": "%}", "{#": "#}"}[kind]
		end := closingIndex(text[start+2:], closing)
		if end < 0 {
			return "", templateErrorf("TemplateSyntaxError(\"unexpected end of template, looking for %s\")", closing)
		}
		inner := strings.Trim(text[start+2:start+2+end], "-")
		text = text[start+2+end+2:]
		switch kind {
		case "{{":
			if !on {
				continue
			}
			value, err := evaluate(inner, scope)
			if err != nil {
				return "", err
			}
			b.WriteString(asText(value))
		case "{%":
			word, condition, _ := strings.Cut(strings.TrimSpace(inner), " ")
			switch word {
			case "if", "elif":
				if word == "elif" && len(open) == 0 {
					return "", templateErrorf("TemplateSyntaxError(\"elif without if\")")
				}
				value, err := evaluate(condition, scope)
				if err != nil {
					return "", err
				}
				if word == "if" {
					open = append(open, branch{outer: on})
				}
				top := &open[len(open)-1]
				on = top.outer && !top.done && truth(value)
				top.done = top.done || truth(value)
			case "else":
				if len(open) == 0 {
					return "", templateErrorf("TemplateSyntaxError(\"else without if\")")
				}
				top := &open[len(open)-1]
				on = top.outer && !top.done
				top.done = true
			case "endif":
				if len(open) == 0 {
					return "", templateErrorf("TemplateSyntaxError(\"endif without if\")")
				}
				on = open[len(open)-1].outer
				open = open[:len(open)-1]
			default:
				return "", templateErrorf("the template tag %q is not built into this version of slipway's sandbox", word)
			}
		}
	}
	if len(open) > 0 {
		return "", templateErrorf("TemplateSyntaxError(\"unexpected end of template, looking for endif\")")
	}
	return b.String(), nil
}

// closingIndex finds where a tag ends, past quoted texts.
func closingIndex(text, closing string) int {
	var quote byte
	for i := 0; i+1 < len(text); i++ {
		switch {
		case quote != 0:
			if text[i] == quote {
				quote = 0
			}
		case text[i] == '\'' || text[i] == '"':
			quote = text[i]
		case text[i:i+2] == closing:
			return i
		}
	}
	return -1
}

// asText is how Jinja prints a value: as Python's str does.
func asText(value any) string {
	switch x := value.(type) {
	case undefined:
		return ""
	case nil:
		return "None"
	case string:
		return x
	case bool:
		if x {
			return "True"
		}
		return "False"
	case int:
		return strconv.Itoa(x)
	case float64:
		return pythonFloat(x)
	case []any, map[string]any:
		return pythonRepr(value)
	}
	return fmt.Sprint(value)
}

// pythonFloat prints a float as Python does: 1.0, 1e-05, 1e+16.
func pythonFloat(f float64) string {
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

func pythonRepr(value any) string {
	switch x := value.(type) {
	case string:
		if strings.Contains(x, "'") && !strings.Contains(x, `"`) {
			return `"` + x + `"`
		}
		return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`, "\t", `\t`).Replace(x) + "'"
	case []any:
		parts := make([]string, len(x))
		for i, item := range x {
			parts[i] = pythonRepr(item)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case map[string]any:
		var parts []string
		for _, key := range sortedKeys(x) {
			parts = append(parts, pythonRepr(key)+": "+pythonRepr(x[key]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return asText(value)
}

// undefined is the value of a name that nothing defines.
type undefined struct{ name string }

func truth(value any) bool {
	switch x := value.(type) {
	case nil, undefined:
		return false
	case bool:
		return x
	case string:
		return x != ""
	case int:
		return x != 0
	case float64:
		return x != 0
	case []any:
		return len(x) > 0
	case map[string]any:
		return len(x) > 0
	}
	return true
}

func equal(a, b any) bool {
	x, xok := number(a)
	y, yok := number(b)
	if xok && yok {
		return x == y
	}
	return reflect.DeepEqual(a, b)
}

func number(value any) (float64, bool) {
	switch x := value.(type) {
	case int:
		return float64(x), true
	case float64:
		return x, true
	case bool:
		if x {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}
