package syntax

import "strings"

// parser checks tokens against YAML's grammar.
type parser struct {
	*scanner
	anchors map[string]Mark
	handles map[string]bool
	depth   int
	tooDeep bool
}

// stream parses the only document that is allowed.
func (p *parser) stream() {
	first, top := true, Mark{}
	for p.mistake == nil {
		for !first && p.is(documentEnd) {
			p.take()
		}
		if p.is(streamEnd) {
			return
		}
		begins := p.next().mark
		explicit := !first || p.is(directive, documentStart)
		if explicit {
			p.directives()
			if !p.is(documentStart) {
				p.unexpectedAfterEnd(top, p.next())
				return
			}
			p.take()
		}
		if !first {
			p.fail(begins, "split it into two files", "has a second document (---); only one is allowed")
			return
		}
		first, top = false, p.next().mark
		if !explicit || !p.is(directive, documentStart, documentEnd, streamEnd) {
			p.node(true, false)
		}
	}
}

// directives parses %YAML and %TAG.
func (p *parser) directives() {
	p.handles = map[string]bool{}
	seen := false
	for p.is(directive) {
		t := p.take()
		words := strings.Fields(strings.SplitN(t.text, " #", 2)[0])
		switch {
		case words[0] == "%YAML" && seen:
			p.fail(t.mark, "", "duplicate %YAML directive")
		case words[0] == "%YAML" && (len(words) != 2 || !strings.HasPrefix(words[1], "1.")):
			p.fail(t.mark, "write %YAML 1.1, or nothing", "only YAML 1 can be read here")
		case words[0] == "%YAML":
			seen = true
		case words[0] == "%TAG" && len(words) == 3:
			p.handles[words[1]] = true
		case words[0] == "%":
			p.fail(Mark{t.mark.Line, t.mark.Column + 1}, "put the text in quotes", "a line that begins with % is a directive, and this one has no name")
		}
	}
}

// node parses a value. block reports whether it may be in block style, and flat whether
// it may be a list that is indented like its key.
func (p *parser) node(block, flat bool) {
	if p.depth++; p.depth > maxDepth {
		p.tooDeep = true
		p.fail(p.next().mark, "", "is nested too deeply")
		return
	}
	defer func() { p.depth-- }()
	if p.is(alias) {
		if t := p.take(); p.mistake == nil {
			if _, known := p.anchors[t.text]; !known {
				p.fail(t.mark, "put the text in quotes, unless it is meant for an alias", "the alias *"+t.text+" is undefined: there is no anchor &"+t.text+" above")
			}
		}
		return
	}
	begins, name, given, tagged := p.next().mark, "", false, false
	for p.is(anchor) && name == "" || p.is(tag) && !tagged {
		t := p.take()
		if t.kind == anchor {
			name = t.text
		} else if handle := t.text; handle != "" && handle != "!!" && !p.handles[handle] {
			p.fail(t.mark, "put the text in quotes, unless it is meant for a tag", "the handle "+handle+" of the tag is not declared")
		}
		given, tagged = true, tagged || t.kind == tag
	}
	content := p.next()
	switch k := content.kind; {
	case k == scalar, k == openList, k == openMap, block && (k == listStart || k == mapStart), flat && k == item, given:
	default:
		p.missingValue(content)
		return
	}
	if p.mistake == nil && name != "" {
		if first, known := p.anchors[name]; known {
			p.duplicateAnchor(begins, name, first)
			return
		}
		p.anchors[name] = begins
	}
	switch k := content.kind; {
	case k == scalar:
		p.take()
	case k == openList:
		p.brackets(closeList)
	case k == openMap:
		p.brackets(closeMap)
	case block && k == listStart:
		p.list()
	case block && k == mapStart:
		p.mapping()
	case flat && k == item:
		p.items(item, key, value, blockEnd)
	}
}

// items parses what follows each - of a list. Each of the kinds in nothing ends an empty
// item.
func (p *parser) items(nothing ...kind) {
	for p.mistake == nil && p.is(item) {
		p.take()
		if !p.is(nothing...) {
			p.node(true, false)
		}
	}
}

func (p *parser) list() {
	begins := p.take()
	p.items(item, blockEnd)
	p.endOf(begins)
}

func (p *parser) mapping() {
	begins := p.take()
	for p.mistake == nil && p.is(key) {
		for _, k := range []kind{key, value} {
			if !p.is(k) {
				continue
			}
			p.take()
			if !p.is(key, value, blockEnd) {
				p.node(true, true)
			}
		}
	}
	p.endOf(begins)
}

// endOf parses the end of a block.
func (p *parser) endOf(begins token) {
	if p.mistake == nil && !p.is(blockEnd) {
		p.unexpectedInBlock(begins, p.next())
		return
	}
	p.take()
}

// brackets parses a list or a mapping in brackets.
func (p *parser) brackets(closes kind) {
	begins := p.take()
	for n := 0; p.mistake == nil && !p.is(closes); n++ {
		if n > 0 {
			if !p.is(comma) {
				p.unexpectedInBrackets(begins, p.next())
				return
			}
			if p.take(); p.is(closes) {
				break
			}
		}
		if !p.is(key) {
			p.node(false, false)
			continue
		}
		p.take()
		if !p.is(value, comma, closes) {
			p.node(false, false)
		}
		if p.mistake == nil && p.is(value) {
			p.take()
			if !p.is(comma, closes) {
				p.node(false, false)
			}
		}
	}
	p.take()
}
