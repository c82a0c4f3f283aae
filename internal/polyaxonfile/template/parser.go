package template

import (
	"slices"
	"strings"
)

// parser converts tokens to nodes. The grammar and the operator precedence are those of
// Jinja.
type parser struct {
	tokens []token
	pos    int
	depth  int
	// scopes are the names that the template has defined so far.
	scopes []map[string]bool
	names  []Name
	// last is the index in names of the name that the current expression consists of, or -1
	// when the expression is more than a name.
	last int
}

func (p *parser) peek() token { return p.tokens[p.pos] }

func (p *parser) next() token {
	t := p.tokens[p.pos]
	if t.kind != endOfFile {
		p.pos++
	}
	return t
}

// at reports whether the next token is of kind k and has one of the texts. The text ""
// matches any.
func (p *parser) at(k kind, texts ...string) bool {
	t := p.peek()
	return t.kind == k && (texts[0] == "" || slices.Contains(texts, t.text))
}

func (p *parser) take(k kind, texts ...string) (string, bool) {
	if !p.at(k, texts...) {
		return "", false
	}
	return p.next().text, true
}

func (p *parser) fail(format string, args ...any) error {
	return syntaxErrorf(p.peek().line, format, args...)
}

func (p *parser) unexpected() error {
	switch t := p.peek(); t.kind {
	case endOfFile:
		return p.fail("unexpected end of template")
	case end:
		return p.fail("Expected an expression, got 'end of print statement'")
	case tagEnd:
		return p.fail("Expected an expression, got 'end of statement block'")
	default:
		return p.fail("unexpected '%s'", t.text)
	}
}

func (p *parser) expect(k kind, text string) error {
	if _, ok := p.take(k, text); ok {
		return nil
	}
	wanted := map[kind]string{end: "end of print statement", tagEnd: "end of statement block", name: "name"}[k]
	if wanted == "" {
		wanted = text
	}
	if p.peek().kind == endOfFile {
		return p.fail("unexpected end of template, expected '%s'.", wanted)
	}
	return p.fail("expected token '%s', got '%s'", wanted, p.peek().text)
}

func (p *parser) enter() error {
	if p.depth++; p.depth > maxDepth {
		return p.fail("the template is nested too deeply")
	}
	return nil
}

func (p *parser) define(n string) { p.scopes[len(p.scopes)-1][n] = true }

func (p *parser) defined(n string) bool {
	for _, scope := range p.scopes {
		if scope[n] {
			return true
		}
	}
	return false
}

// scoped calls parse with a new scope.
func (p *parser) scoped(parse func() error) error {
	p.scopes = append(p.scopes, map[string]bool{})
	defer func() { p.scopes = p.scopes[:len(p.scopes)-1] }()
	return parse()
}

// body parses nodes up to the end of the template, or up to a tag whose name is one of
// ends.
func (p *parser) body(ends ...string) ([]node, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	var nodes []node
	for {
		switch t := p.peek(); t.kind {
		case data:
			p.next()
			nodes = append(nodes, textNode{t.text})
		case begin:
			p.next()
			value, err := p.tuple()
			if err == nil {
				if p.last >= 0 {
					p.names[p.last].Alone = true
				}
				err = p.expect(end, "}}")
			}
			if err != nil {
				return nil, err
			}
			nodes = append(nodes, printNode{value})
		case tagBegin:
			if word := p.tokens[p.pos+1]; word.kind == name && slices.Contains(ends, word.text) {
				return nodes, nil
			}
			n, err := p.tag()
			if err != nil {
				return nil, err
			}
			nodes = append(nodes, n...)
		case endOfFile:
			if len(ends) > 0 {
				return nil, p.fail("Unexpected end of template. Jinja was looking for the following tags: '%s'.", strings.Join(ends, "' or '"))
			}
			return nodes, nil
		default:
			return nil, p.unexpected()
		}
	}
}

// tag parses a tag with its body.
func (p *parser) tag() ([]node, error) {
	p.next()
	word, ok := p.take(name, "")
	if !ok {
		return nil, p.fail("tag name expected")
	}
	switch word {
	case "if":
		return p.ifTag()
	case "for":
		return p.forTag()
	case "set":
		return p.setTag()
	case "with":
		return p.withTag()
	case "filter":
		filters, err := p.filters()
		if err != nil {
			return nil, err
		}
		body, err := p.block("endfilter")
		return []node{filterNode{filters, body}}, err
	case "macro":
		return p.macroTag()
	case "block":
		if err := p.expect(name, ""); err != nil {
			return nil, err
		}
		for _, word := range []string{"scoped", "required"} {
			p.take(name, word)
		}
		body, err := p.blockNamed("endblock")
		return body, err
	case "autoescape":
		return nil, p.fail("the tag 'autoescape' is not built into slipway")
	case "include", "import", "extends", "from":
		return nil, errorf("TypeError", "no loader for this environment specified")
	case "call":
		return p.callTag()
	}
	return nil, p.fail("Encountered unknown tag '%s'.", word)
}

// block parses the end of a tag, a body in a new scope, and its end tag.
func (p *parser) block(ending string) ([]node, error) {
	if err := p.expect(tagEnd, "%}"); err != nil {
		return nil, err
	}
	var body []node
	err := p.scoped(func() (err error) {
		body, err = p.body(ending)
		return err
	})
	if err != nil {
		return nil, err
	}
	return body, p.close()
}

func (p *parser) blockNamed(ending string) ([]node, error) {
	if err := p.expect(tagEnd, "%}"); err != nil {
		return nil, err
	}
	body, err := p.body(ending)
	if err != nil {
		return nil, err
	}
	p.next()
	p.next()
	p.take(name, "")
	return body, p.expect(tagEnd, "%}")
}

// close parses the end tag, {% endX %}.
func (p *parser) close() error {
	p.next()
	p.next()
	return p.expect(tagEnd, "%}")
}
