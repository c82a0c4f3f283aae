package compile

import (
	"github.com/slipway-ci/slipway/internal/polyaxonfile/plain"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/shape"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/template"
)

// maxRounds limits how often a text is rendered again. Polyaxon renders a text until it
// no longer changes.
const maxRounds = 100

// renderer renders the values of an operation as a version of Polyaxon does.
type renderer struct{ version schema.Version }

// verbatim is a text that is rendered once and stays text. In a command, it is dropped when
// it renders as None.
type verbatim struct {
	text      string
	inCommand bool
}

// value renders all texts in a value. A text with nothing to render is read as a Python
// literal: "1e3" becomes a number.
func (r *renderer) value(value any, scope map[string]any) (any, error) {
	switch x := value.(type) {
	case verbatim:
		rendered, err := template.Render(x.text, scope)
		if err != nil {
			return nil, rendering(err)
		}
		if x.inCommand && rendered == "None" && rendered != x.text {
			return nil, nil
		}
		return rendered, nil
	case string:
		return r.text(x, scope)
	case []any:
		list := make([]any, len(x))
		for i, element := range x {
			rendered, err := r.value(element, scope)
			if err != nil {
				return nil, err
			}
			list[i] = rendered
		}
		return list, nil
	case map[string]any:
		m := make(map[string]any, len(x))
		for _, key := range plain.Keys(x) {
			name, err := r.text(key, scope)
			if err != nil {
				return nil, err
			}
			rendered, err := r.value(x[key], scope)
			if err != nil {
				return nil, err
			}
			if _, isText := name.(string); !isText {
				name = shape.NotTextPrefix + python.Str(name)
			}
			m[python.Str(name)] = rendered
		}
		return m, nil
	}
	return value, nil
}

// once renders a text once. Polyaxon 1 renders every text, which removes a final line
// break and comments. Polyaxon 2 renders only texts that contain {{ or {%.
func (r *renderer) once(text string, scope map[string]any) (string, error) {
	if r.version.Major != 1 {
		return template.Render(text, scope)
	}
	t, err := template.Parse(text)
	if err != nil {
		return "", err
	}
	return t.Render(scope)
}

func (r *renderer) text(text string, scope map[string]any) (any, error) {
	for range maxRounds {
		rendered, err := r.once(text, scope)
		if err != nil {
			return nil, rendering(err)
		}
		if rendered == text {
			value, ok, err := python.Literal(text)
			switch {
			case err != nil:
				return nil, &Error{"TypeError: " + python.Repr(text) + " " + err.Error()}
			case ok:
				return python.Plain(value), nil
			}
			return text, nil
		}
		text = rendered
	}
	return nil, rendering(&template.Error{Kind: "RecursionError", Message: "the template renders as another template, without end"})
}

func rendering(err error) error {
	return compileErrorf("Encountered a problem rendering the template, please make sure your variables are resolvable. Error: %v", err)
}

// io renders an input or an output. A text stays text if the type is one of text.
func (r *renderer) io(m map[string]any, scope map[string]any) (map[string]any, error) {
	marked := plain.Clone(m)
	format, hasFormat := marked["argFormat"]
	delete(marked, "argFormat")
	if r.version.Major != 1 {
		markIO(marked)
	}
	rendered, err := r.value(marked, scope)
	if err != nil {
		return nil, err
	}
	result, _ := rendered.(map[string]any)
	if hasFormat && format != nil {
		result["argFormat"] = format
	}
	return result, nil
}

// markIO marks the texts of an input or output whose type is text, so that they stay
// text.
func markIO(m map[string]any) {
	isList, _ := m["isList"].(bool)
	kind, _ := m["type"].(string)
	text := kind == "str" || kind == "path" || kind == "image" || kind == "uuid"
	list := text && isList || kind == "List[str]" && !isList
	text = text && !isList
	if !text && !list {
		return
	}
	switch x := m["value"].(type) {
	case string:
		if text {
			m["value"] = verbatim{text: x}
		}
	case []any:
		if list {
			m["value"] = markAll(x, false)
		}
	}
	if validation, ok := m["validation"].(map[string]any); ok {
		if options, ok := validation["options"].([]any); ok {
			validation["options"] = markAll(options, false)
		}
	}
}

func markAll(list []any, inCommand bool) []any {
	marked := make([]any, len(list))
	for i, element := range list {
		marked[i] = element
		if text, ok := element.(string); ok {
			marked[i] = verbatim{text, inCommand}
		}
	}
	return marked
}

// markContainer marks the texts of a container's command and arguments, so that they stay
// text.
func markContainer(container any) {
	m, ok := container.(map[string]any)
	if !ok {
		return
	}
	for _, key := range []string{"command", "args"} {
		if list, ok := m[key].([]any); ok {
			m[key] = markAll(list, true)
		}
	}
}

// markPod marks the texts of the commands of all containers of a run or a replica.
func markPod(pod map[string]any) {
	markContainer(pod["container"])
	sidecars, _ := pod["sidecars"].([]any)
	for _, sidecar := range sidecars {
		markContainer(sidecar)
	}
	inits, _ := pod["init"].([]any)
	for _, init := range inits {
		if m, ok := init.(map[string]any); ok {
			markContainer(m["container"])
		}
	}
}
