// Package template renders Jinja templates as Polyaxon does, without inheritance,
// includes and what would reach beyond the template. A name that nothing defines is
// empty, as in Polyaxon; Names tells which names a template needs.
//
// What a template can cost is bounded: an endless loop, a text that grows and deep
// nesting are errors.
package template

import (
	"fmt"
	"strings"
)

// The bounds of a rendering.
const (
	maxSteps = 200_000 // evaluated nodes
	maxText  = 1 << 20 // of the result, and of any text on the way, in bytes
	maxDepth = 100     // of expressions, blocks and calls
	maxItems = 100_000 // of a list
)

// Error is a template that cannot be parsed or rendered.
type Error struct {
	// Kind is Jinja's name for it: TemplateSyntaxError, UndefinedError, TypeError.
	Kind, Message string
	// Line is the line in the template, from 1; 0 when it is not known.
	Line int
}

// Error gives kind and message as Python prints them.
func (e *Error) Error() string {
	quoted := "'" + strings.ReplaceAll(e.Message, "'", `\'`) + "'"
	if strings.Contains(e.Message, "'") && !strings.Contains(e.Message, `"`) {
		quoted = `"` + e.Message + `"`
	}
	return e.Kind + "(" + quoted + ")"
}

func errorf(kind, format string, args ...any) error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// syntaxErrorf makes a TemplateSyntaxError at a line.
func syntaxErrorf(line int, format string, args ...any) error {
	return &Error{Kind: "TemplateSyntaxError", Message: fmt.Sprintf(format, args...), Line: line}
}

// Has tells whether Polyaxon takes a text for a template: whether it has {{ or {%.
func Has(text string) bool { return strings.Contains(text, "{{") || strings.Contains(text, "{%") }

// Template is a parsed template. It may be rendered by several goroutines.
type Template struct {
	body []node
	// names are what the template reads and does not set itself.
	names []Name
}

// Name is a name that a template reads from its scope.
type Name struct {
	// Path is the name and the attributes read from it: globals.uuid.
	Path []string
	// Line is where it stands in the template, from 1.
	Line int
	// Tolerated tells that the template expects that it may be missing: it is
	// tested with `is defined` or has a default.
	Tolerated bool
	// Alone tells that the name is all that is printed: {{ name }}.
	Alone bool
}

// Parse reads a template. Its errors are *Error: TemplateSyntaxError, and
// TemplateAssertionError for a filter or test that Jinja does not have.
func Parse(text string) (*Template, error) {
	tokens, err := lex(text)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens, scopes: []map[string]bool{{}}}
	body, err := p.body()
	if err == nil && !p.at(endOfFile, "") {
		err = p.unexpected()
	}
	if err != nil {
		return nil, err
	}
	return &Template{body: body, names: p.names}, nil
}

// Names gives the names that the template reads from its scope, in the order in
// which they stand.
func (t *Template) Names() []Name { return t.names }

// Render gives the template's text for a scope. Its errors are *Error.
func (t *Template) Render(scope map[string]any) (string, error) {
	r := &runtime{steps: maxSteps}
	f := &frame{variables: scope, readOnly: true}
	var out buffer
	if err := r.body(&frame{parent: f}, t.body, &out); err != nil {
		return "", err
	}
	return out.String(), nil
}

// Render parses and renders a text that may be a template.
func Render(text string, scope map[string]any) (string, error) {
	if !Has(text) {
		return text, nil
	}
	t, err := Parse(text)
	if err != nil {
		return "", err
	}
	return t.Render(scope)
}
