package wheel

import (
	"fmt"
	"slices"
	"strings"
)

// marker is an environment marker: a condition on the platform under which a requirement
// applies. Its grammar is that of the dependency specifiers standard (PEP 508), with the
// sets extras and dependency_groups of PEP 751.
type marker interface {
	holds(env map[string]string) bool
}

type (
	either []marker
	all    []marker
	// compare is a comparison. Each side is the name of a variable or a text.
	compare struct {
		left, right side
		operator    string
	}
	side struct {
		text     string
		variable bool
	}
)

func (m either) holds(env map[string]string) bool {
	return slices.ContainsFunc(m, func(m marker) bool { return m.holds(env) })
}

func (m all) holds(env map[string]string) bool {
	return !slices.ContainsFunc(m, func(m marker) bool { return !m.holds(env) })
}

func (s side) value(env map[string]string) string {
	if s.variable {
		return env[s.text]
	}
	return s.text
}

// ofVersions reports whether the values of the variable are versions. These are not
// compared as texts.
func (s side) ofVersions() bool {
	return s.variable && slices.Contains([]string{"python_version", "python_full_version", "implementation_version", "platform_release"}, s.text)
}

func (s side) isSet() bool {
	return s.variable && (s.text == "extras" || s.text == "dependency_groups")
}

func (m compare) holds(env map[string]string) bool {
	left, right := m.left.value(env), m.right.value(env)
	if m.left.text == "extra" && m.left.variable || m.right.text == "extra" && m.right.variable {
		left, right = normalName(left), normalName(right)
	}
	switch {
	case m.right.isSet():
		return slices.Contains(strings.Fields(right), normalName(left)) == (m.operator == "in")
	case m.operator == "in":
		return strings.Contains(right, left)
	case m.operator == "not in":
		return !strings.Contains(right, left)
	}
	if m.left.ofVersions() || m.right.ofVersions() {
		if holds, ok := satisfies(left, m.operator, right); ok {
			return holds
		}
	}
	order := strings.Compare(left, right)
	switch m.operator {
	case "==", "===":
		return order == 0
	case "!=":
		return order != 0
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	case ">=":
		return order >= 0
	}
	return false // ~= with operands that are not versions
}

// variables maps the names that a marker may use to variables. Older files use other names
// for some of them.
func variables() map[string]string {
	names := map[string]string{
		"os.name": "os_name", "sys.platform": "sys_platform", "platform.version": "platform_version", "platform.machine": "platform_machine",
		"platform.python_implementation": "platform_python_implementation", "python_implementation": "platform_python_implementation",
	}
	for _, name := range []string{"python_version", "python_full_version", "os_name", "sys_platform", "platform_release", "platform_system",
		"platform_version", "platform_machine", "platform_python_implementation", "implementation_name", "implementation_version",
		"extra", "extras", "dependency_groups"} {
		names[name] = name
	}
	return names
}

// markerError is a syntax error at a byte offset of a marker.
type markerError struct {
	offset  int
	message string
}

func (e *markerError) Error() string { return e.message }

// parseMarker parses a marker. A syntax error is a *markerError.
func parseMarker(text string) (marker, error) {
	p := &markerParser{text: text, names: variables()}
	m, err := p.or(0)
	if err == nil && p.peek() != "" {
		err = p.fail("%q is not expected here", p.peek())
	}
	return m, err
}

type markerParser struct {
	text  string
	at    int
	names map[string]string
}

// maxDepth is the limit on nested parentheses. The parser recurses for each of them.
const maxDepth = 100

func (p *markerParser) fail(format string, args ...any) error {
	p.blanks()
	return &markerError{p.at, fmt.Sprintf(format, args...)}
}

func (p *markerParser) blanks() {
	for p.at < len(p.text) && (p.text[p.at] == ' ' || p.text[p.at] == '\t') {
		p.at++
	}
}

// peek returns the next token, or "" at the end. Of a quoted text it returns the first
// quote.
func (p *markerParser) peek() string {
	p.blanks()
	rest := p.text[p.at:]
	if rest == "" {
		return ""
	}
	for _, operator := range []string{"===", "==", "~=", "!=", "<=", ">=", "<", ">"} {
		if strings.HasPrefix(rest, operator) {
			return operator
		}
	}
	n := 0
	for n < len(rest) && (rest[n] == '_' || rest[n] == '.' || isLetter(rest[n]) || isDigit(rest[n])) {
		n++
	}
	if n > 0 {
		return rest[:n]
	}
	for _, r := range rest {
		return string(r)
	}
	return ""
}

func (p *markerParser) accept(token string) bool {
	if p.peek() != token {
		return false
	}
	p.at += len(token)
	return true
}

func (p *markerParser) or(nested int) (marker, error) {
	var parts either
	for {
		part, err := p.and(nested)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
		if !p.accept("or") {
			return parts, nil
		}
	}
}

func (p *markerParser) and(nested int) (marker, error) {
	var parts all
	for {
		part, err := p.term(nested)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
		if !p.accept("and") {
			return parts, nil
		}
	}
}

func (p *markerParser) term(nested int) (marker, error) {
	if p.peek() == "(" {
		if nested == maxDepth {
			return nil, p.fail("there are more than %d nested parentheses", maxDepth)
		}
		p.at++
		inner, err := p.or(nested + 1)
		if err == nil && !p.accept(")") {
			err = p.fail("a closing parenthesis is missing")
		}
		return inner, err
	}
	left, err := p.side()
	if err != nil {
		return nil, err
	}
	operator := p.peek()
	switch {
	case p.accept("not"):
		operator = "not in"
		if !p.accept("in") {
			return nil, p.fail(`"in" is missing after "not"`)
		}
	case slices.Contains([]string{"in", "===", "==", "~=", "!=", "<=", ">=", "<", ">"}, operator):
		p.at += len(operator)
	default:
		return nil, p.fail("a comparison such as == is missing")
	}
	right, err := p.side()
	if err != nil {
		return nil, err
	}
	if !left.variable && !right.variable {
		return nil, p.fail("it compares two strings")
	}
	if left.isSet() || right.isSet() && operator != "in" && operator != "not in" {
		return nil, p.fail(`a set can only be compared by "in" or "not in"`)
	}
	return compare{left, right, operator}, nil
}

func (p *markerParser) side() (side, error) {
	token := p.peek()
	switch token {
	case "":
		return side{}, p.fail("unexpected end of the marker")
	case `"`, "'":
		end := strings.Index(p.text[p.at+1:], token)
		if end < 0 {
			return side{}, p.fail("the string has no closing %s", token)
		}
		text := p.text[p.at+1 : p.at+1+end]
		p.at += end + 2
		return side{text: text}, nil
	}
	name, ok := p.names[token]
	if !ok {
		return side{}, p.fail("unknown marker variable %q", token)
	}
	p.at += len(token)
	return side{name, true}, nil
}

func isLetter(b byte) bool { return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' }
func isDigit(b byte) bool  { return b >= '0' && b <= '9' }

// normalName returns the normalized form of a package's name (PEP 503).
func normalName(name string) string {
	parts := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return strings.ContainsRune("-_.", r) })
	return strings.Join(parts, "-")
}
