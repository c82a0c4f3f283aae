package debian

import "strings"

// readWord reads a word with its quotes, and parses the commands that are substituted in it.
func (p *shellParser) readWord() (word, error) {
	w := word{literal: true}
	var text strings.Builder
	quoted := false
	for p.at < len(p.text) {
		c := p.text[p.at]
		switch {
		case c == '\\':
			if p.at+1 < len(p.text) {
				if p.text[p.at+1] == '\n' {
					p.line++
				} else {
					text.WriteByte(p.text[p.at+1])
				}
			}
			p.at = min(p.at+2, len(p.text))
		case c == '"':
			quoted = !quoted
			p.at++
		case c == '\'' && !quoted:
			n := strings.IndexByte(p.text[p.at+1:], '\'')
			if n < 0 {
				return w, errShell
			}
			inside := p.text[p.at+1 : p.at+1+n]
			text.WriteString(inside)
			p.line += strings.Count(inside, "\n")
			p.at += n + 2
		case c == '$' || c == '`':
			begin := p.at
			if err := p.expansion(); err != nil {
				return w, err
			}
			if p.at > begin+1 {
				w.literal = false
			}
			text.WriteString(p.text[begin:p.at])
		case !quoted && strings.IndexByte(" \t\r\n;&|<>()", c) >= 0:
			w.text = text.String()
			return w, nil
		default:
			if c == '\n' {
				p.line++
			}
			if !quoted && (c == '*' || c == '?' || c == '[' && text.Len() > 0) {
				w.literal = false
			}
			text.WriteByte(c)
			p.at++
		}
	}
	if quoted {
		return w, errShell
	}
	w.text = text.String()
	return w, nil
}

// expansion skips what begins with $ or `, and parses the commands in it.
func (p *shellParser) expansion() error {
	rest := p.text[p.at:]
	switch {
	case rest[0] == '`':
		n := strings.IndexByte(rest[1:], '`')
		if n < 0 {
			return errShell
		}
		return p.inside(rest[1:1+n], n+2)
	case strings.HasPrefix(rest, "$(("):
		n := strings.Index(rest, "))")
		if n < 0 {
			return errShell
		}
		p.at += n + 2
	case strings.HasPrefix(rest, "$("):
		n := closing(rest[2:], '(', ')')
		if n < 0 {
			return errShell
		}
		return p.inside(rest[2:2+n], n+3)
	case strings.HasPrefix(rest, "${"):
		n := closing(rest[2:], '{', '}')
		if n < 0 || strings.ContainsAny(rest[2:2+n], "`(") {
			return errShell
		}
		p.at += n + 3
	case len(rest) > 1 && strings.IndexByte("@*#?$!-", rest[1]) >= 0:
		p.at += 2
	default:
		n := 1
		for n < len(rest) && (rest[n] == '_' || isDigit(rest[n]) || rest[n]|0x20 >= 'a' && rest[n]|0x20 <= 'z') {
			n++
		}
		p.at += n
	}
	return nil
}

// inside parses the commands of a substitution, which has a length in the text.
func (p *shellParser) inside(text string, length int) error {
	err := p.script.parse(text, p.line, p.depth+1)
	p.line += strings.Count(text, "\n")
	p.at += length
	return err
}

// closing returns the index of the bracket that closes one before the text, or -1. Quoted ones do
// not count.
func closing(text string, open, end byte) int {
	depth := 1
	for n := 0; n < len(text); n++ {
		switch text[n] {
		case '\\':
			n++
		case '\'':
			skip := strings.IndexByte(text[n+1:], '\'')
			if skip < 0 {
				return -1
			}
			n += skip + 1
		case open:
			depth++
		case end:
			if depth--; depth == 0 {
				return n
			}
		}
	}
	return -1
}
