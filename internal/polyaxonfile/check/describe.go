package check

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/template"
)

// describe names a path for a message.
func describe(path []string, name string) string {
	if len(path) == 0 {
		return "the " + name
	}
	return strings.Join(path, ".")
}

func typeName(v any) string {
	switch x := v.(type) {
	case nil:
		return "nothing"
	case map[string]any:
		return "a mapping"
	case []any:
		return "a list"
	case string:
		return strconv.Quote(x)
	case float64:
		return python.Str(x)
	}
	return fmt.Sprint(v)
}

func isScalar(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return false
	}
	return true
}

// componentNames returns the names of a dag's components.
func componentNames(dag map[string]any) map[string]bool {
	names := map[string]bool{}
	components, _ := dag["components"].([]any)
	for _, component := range components {
		m, _ := component.(map[string]any)
		if name, ok := m["name"].(string); ok {
			names[name] = true
		}
	}
	return names
}

// reportWrongType reports a value that fits none of a type's choices.
func (v *validator) reportWrongType(t schema.Type, value any, p *file.Place) {
	at, where := v.file.At(v.path...), strings.Join(v.path, ".")
	if p != nil {
		at = p.At
	}
	var wants []string
	for _, c := range t {
		if !c.Has(v.version) {
			continue
		}
		text, isText := value.(string)
		switch {
		case c.Form == schema.Enum && isText:
			hint := ""
			if near, ok := suggestWord(text, c.Words); ok {
				hint = "did you mean " + near + "?"
			}
			v.fail("bad-value", at, v.path, hint, "%s must be %s, not %q", where, describeChoice(c), text)
			return
		case c.Form == schema.Name && isText:
			v.fail("bad-name", at, v.path, "use letters, digits, - and _", "%q is not a valid name", text)
			return
		case c.Form == schema.Quantity:
			v.fail("bad-quantity", at, v.path, suggestQuantity(value), "%s is not a valid quantity: %v", where, value)
			return
		}
		if want := describeChoice(c); want != "" && !slices.Contains(wants, want) {
			wants = append(wants, want)
		}
	}
	hint := ""
	_, isMap := value.(map[string]any)
	_, isList := value.([]any)
	switch text, isText := value.(string); {
	case isMap && slices.Contains(v.path, "env") && slices.Contains(wants, "a list"):
		hint = `write each as - {name: NAME, value: "VALUE"}`
	case isList && slices.ContainsFunc(t, func(c schema.Choice) bool { return c.Form == schema.OneOf && c.Union.Name == "hp" }):
		hint = "write it as {kind: choice, value: [...]}"
	case isText && template.Has(text):
		hint = "Polyaxon takes no template here"
	case isText && (v.accepts(t, schema.Int) || v.accepts(t, schema.Duration) || v.accepts(t, schema.LooseInt)) && suggestSeconds(text) != "":
		hint = suggestSeconds(text)
	case isText && slices.Contains(wants, "a list") && v.isScript():
		hint = "write it as a list: [" + strconv.Quote(text) + "]"
	case isText && slices.Contains(wants, "a list"):
		hint = "write it as a list" + asList(text)
	case !isText && isScalar(value) && v.accepts(t, schema.Text), p != nil && p.IsDate():
		hint = "put it in quotes"
	}
	v.fail("wrong-type", at, v.path, hint, "%s must be %s, not %s", where, strings.Join(wants, " or "), typeName(value))
}

// isScript reports whether the value consists of lines of a program, which must not be
// split into words.
func (v *validator) isScript() bool {
	return slices.Contains([]string{"run", "copy", "postRunCopy", "cmd", "flags", "arguments"}, v.path[len(v.path)-1])
}

// asList formats the words of a text as a list. It returns "" when quotes show that the
// text is not a list of words.
func asList(text string) string {
	words := strings.FieldsFunc(text, func(c rune) bool { return c == ' ' || c == ',' })
	if len(words) == 0 || len(text) > 60 || strings.ContainsAny(text, "'\"\\\n") {
		return ""
	}
	return `: ["` + strings.Join(words, `", "`) + `"]`
}

// describeChoice describes the values that a choice accepts.
func describeChoice(c schema.Choice) string {
	if c.Form == schema.Enum {
		c.Words = slices.DeleteFunc(slices.Clone(c.Words), func(word string) bool { return word == "" })
		const most = 8
		if len(c.Words) > most {
			return "one of " + strings.Join(c.Words[:most], ", ") + ", ..."
		}
		return "one of " + strings.Join(c.Words, ", ")
	}
	return describeForm(c.Form)
}

func describeForm(form schema.Form) string {
	switch form {
	case schema.Text, schema.Name:
		return "text"
	case schema.Bool:
		return "true or false"
	case schema.Int, schema.LooseInt:
		return "a whole number"
	case schema.Count, schema.LooseCount:
		return "a whole number, 1 or more"
	case schema.Float, schema.StrictFloat:
		return "a number"
	case schema.Positive:
		return "a number, 0 or more"
	case schema.IntOrText:
		return "a whole number or text"
	case schema.Value:
		return "a value"
	case schema.Date:
		return "a date"
	case schema.Moment:
		return "a date with a time, such as \"2026-01-01T08:00:00\""
	case schema.DateTime:
		return "a date and time"
	case schema.Duration:
		return "a number of seconds"
	case schema.List:
		return "a list"
	case schema.Map, schema.Mapping, schema.OneOf:
		return "a mapping"
	}
	return ""
}
