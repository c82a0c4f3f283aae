// Package template renders Jinja templates as Polyaxon does. It does not support
// inheritance, includes, or anything else that reaches beyond the template. An undefined
// name renders as an empty text, as in Polyaxon. Names returns the names that a template
// uses.
//
// The cost of a template is limited: an endless loop, a text that grows too large, and
// deep nesting are errors.
package template

import (
	"fmt"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
)

// The limits of a rendering.
const (
	maxSteps = 200_000 // evaluated nodes
	maxText  = 1 << 20 // of the result and of any intermediate text, in bytes
	maxDepth = 100     // of expressions, blocks and calls
	maxItems = 100_000 // of a list
)

// Error reports a template that cannot be parsed or rendered.
type Error struct {
	// Kind is Jinja's name of the error: TemplateSyntaxError, UndefinedError, TypeError.
	Kind, Message string
	// Name is the name of the filter or the test that Jinja does not have, in a
	// TemplateAssertionError.
	Name string
	// Line is the line in the template, from 1, or 0 when it is not known.
	Line int
}

// Error returns kind and message as Python prints them.
func (e *Error) Error() string {
	return e.Kind + "(" + python.Repr(e.Message) + ")"
}

func errorf(kind, format string, args ...any) error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// unknownName returns a TemplateAssertionError for a filter or a test that Jinja does not
// have.
func unknownName(what, name string) error {
	return &Error{Kind: "TemplateAssertionError", Message: "No " + what + " named " + python.Repr(name) + ".", Name: name}
}

// syntaxErrorf returns a TemplateSyntaxError at a line.
func syntaxErrorf(line int, format string, args ...any) error {
	return &Error{Kind: "TemplateSyntaxError", Message: fmt.Sprintf(format, args...), Line: line}
}

// Has reports whether Polyaxon treats a text as a template, that is, whether it contains
// {{ or {%.
func Has(text string) bool { return strings.Contains(text, "{{") || strings.Contains(text, "{%") }

// Template is a parsed template. Its methods may be called concurrently.
type Template struct {
	body []node
	// names are the names that the template reads and does not set itself.
	names []Name
}

// Name is a name that a template reads from its scope.
type Name struct {
	// Path is the name followed by the attributes that are read from it: globals.uuid.
	Path []string
	// Line is the line of the name in the template, from 1.
	Line int
	// Tolerated means that the template allows for a missing value: it tests the name with `is
	// defined`, or has a default.
	Tolerated bool
	// Alone means that the name is all that a tag prints: {{ name }}.
	Alone bool
	// Operand means that the name is an operand of arithmetic, which fails for an undefined name.
	Operand bool
}

// Parse parses a template. Its errors are *Error: TemplateSyntaxError, and
// TemplateAssertionError for a filter or a test that Jinja does not have.
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

// Names returns the names that the template reads from its scope, in their order in the
// text.
func (t *Template) Names() []Name { return t.names }

// Render renders the template with the variables of a scope. Its errors are *Error.
func (t *Template) Render(scope map[string]any) (string, error) {
	r := &runtime{steps: maxSteps}
	f := &frame{variables: scope, readOnly: true}
	var out buffer
	if err := r.body(&frame{parent: f}, t.body, &out); err != nil {
		return "", err
	}
	return out.String(), nil
}

// Render parses and renders a text. A text that is not a template is returned unchanged.
// Its errors are *Error.
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
