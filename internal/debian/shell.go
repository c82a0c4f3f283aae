package debian

import (
	"errors"
	"strings"
)

// command is a simple command of a shell script.
type command struct {
	line  int
	words []word
	// outputs are the files that it writes, by redirections.
	outputs []string
}

// word is a word of a command.
type word struct {
	text string
	// literal reports whether the text is the value: nothing in the word is expanded.
	literal bool
}

// script is what a shell script may do: its commands, whatever its conditions are.
type script struct {
	commands  []command
	functions map[string]bool
}

// errShell reports a script that is not understood.
var errShell = errors.New("it is not a plain shell script")

// maxNesting limits how deep substitutions are nested.
const maxNesting = 20

// parseShell returns the commands of a POSIX shell script, also those in functions and
// substitutions. It does not expand words.
func parseShell(text string) (script, error) {
	s := script{functions: map[string]bool{}}
	err := s.parse(text, 1, 0)
	return s, err
}

// parse adds the commands of a text that begins at a line.
func (s *script) parse(text string, line, depth int) error {
	if depth > maxNesting {
		return errShell
	}
	p := &shellParser{script: s, text: text, line: line, depth: depth, now: command{line: line}}
	return p.run()
}

// shellParser reads one text of a script.
type shellParser struct {
	script      *script
	text        string
	at          int
	line, depth int
	now         command
	// cases has, for each case that is open, whether a pattern comes next.
	cases []bool
	// heredocs are the ends of the documents that begin with the next line.
	heredocs []string
	// redirect is the operator that the next word belongs to, or "".
	redirect string
}

// run reads the text to its end.
func (p *shellParser) run() error {
	for p.at < len(p.text) {
		c := p.text[p.at]
		switch {
		case c == '\n':
			p.end()
			p.at++
			p.line++
			p.skipDocuments()
		case c == ' ' || c == '\t' || c == '\r':
			p.at++
		case c == '\\' && strings.HasPrefix(p.text[p.at:], "\\\n"):
			p.at += 2
			p.line++
		case c == '#':
			p.at += len(p.text[p.at:]) - len(strings.TrimLeft(p.text[p.at:], "#"))
			if n := strings.IndexByte(p.text[p.at:], '\n'); n >= 0 {
				p.at += n
			} else {
				p.at = len(p.text)
			}
		case strings.HasPrefix(p.text[p.at:], ";;"):
			p.end()
			p.at += 2
			if len(p.cases) == 0 {
				return errShell
			}
			p.cases[len(p.cases)-1] = true
		case c == '<' || c == '>':
			p.readOperator()
		case strings.IndexByte(";&|", c) >= 0:
			p.end()
			p.at++
		case c == '(' || c == ')':
			p.parenthesis(c)
		default:
			if err := p.word(); err != nil {
				return err
			}
		}
	}
	p.end()
	if len(p.cases) > 0 || len(p.heredocs) > 0 {
		return errShell
	}
	return nil
}

// readOperator reads the operator of a redirection.
func (p *shellParser) readOperator() {
	n := p.at
	for n < len(p.text) && strings.IndexByte("<>&-|", p.text[n]) >= 0 {
		n++
	}
	p.redirect, p.at = p.text[p.at:n], n
	if p.redirect == "<<-" || strings.HasSuffix(p.redirect, "&-") && p.redirect != "<<-" {
		if p.redirect != "<<-" {
			p.redirect = "" // it closes a stream
		}
	}
}

// parenthesis reads a parenthesis: of a function, of a pattern, or of a subshell.
func (p *shellParser) parenthesis(c byte) {
	p.at++
	switch {
	case c == '(' && len(p.now.words) == 1 && strings.HasPrefix(strings.TrimLeft(p.text[p.at:], " \t"), ")"):
		p.script.functions[p.now.words[0].text] = true
		p.now.words = nil
		p.at += strings.IndexByte(p.text[p.at:], ')') + 1
	case c == ')' && len(p.cases) > 0 && p.cases[len(p.cases)-1]:
		p.cases[len(p.cases)-1] = false
		p.now = command{line: p.line}
	default:
		p.end()
	}
}

// reserved are the words after which a command begins.
var reserved = map[string]bool{"if": true, "then": true, "else": true, "elif": true, "fi": true, "while": true, "until": true, "do": true, "done": true, "!": true, "{": true, "}": true}

// word reads a word.
func (p *shellParser) word() error {
	w, err := p.readWord()
	if err != nil {
		return err
	}
	first := len(p.now.words) == 0
	switch {
	case p.redirect != "":
		p.redirected(w)
		return nil
	case len(p.cases) > 0 && p.cases[len(p.cases)-1]:
		if first && w.text == "esac" {
			p.cases = p.cases[:len(p.cases)-1]
			return nil
		}
	case first && w.literal && w.text == "esac" && len(p.cases) > 0:
		p.cases = p.cases[:len(p.cases)-1]
		return nil
	case first && w.literal && reserved[w.text]:
		p.now.line = p.line
		return nil
	case len(p.now.words) == 2 && p.now.words[0].text == "case" && w.text == "in":
		p.now = command{line: p.line}
		p.cases = append(p.cases, true)
		return nil
	}
	if first {
		p.now.line = p.line
	}
	p.now.words = append(p.now.words, w)
	return nil
}

// redirected records the word behind the operator of a redirection.
func (p *shellParser) redirected(w word) {
	switch {
	case strings.HasPrefix(p.redirect, "<<"):
		p.heredocs = append(p.heredocs, w.text)
	case strings.HasPrefix(p.redirect, ">"):
		if !strings.HasSuffix(p.redirect, "&") {
			p.now.outputs = append(p.now.outputs, w.text)
		}
		// The word before was the number of a stream.
		if n := len(p.now.words); n > 0 && len(p.now.words[n-1].text) == 1 && isDigit(p.now.words[n-1].text[0]) {
			p.now.words = p.now.words[:n-1]
		}
	}
	p.redirect = ""
}

// skipDocuments skips the here-documents that begin at this line.
func (p *shellParser) skipDocuments() {
	for len(p.heredocs) > 0 && p.at < len(p.text) {
		line, _, _ := strings.Cut(p.text[p.at:], "\n")
		p.at = min(p.at+len(line)+1, len(p.text))
		p.line++
		if strings.TrimLeft(line, "\t") == p.heredocs[0] {
			p.heredocs = p.heredocs[1:]
		}
	}
}

// end ends the command that was being read.
func (p *shellParser) end() {
	done := p.now
	p.now = command{line: p.line}
	if len(p.cases) > 0 && p.cases[len(p.cases)-1] {
		return // a part of a pattern
	}
	for len(done.words) > 0 && isAssignment(done.words[0].text) {
		done.words = done.words[1:]
	}
	if len(done.words) > 0 || len(done.outputs) > 0 {
		p.script.commands = append(p.script.commands, done)
	}
}

// isAssignment reports whether a word assigns to a variable.
func isAssignment(text string) bool {
	name, _, found := strings.Cut(text, "=")
	return found && name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == "" && !isDigit(name[0])
}
