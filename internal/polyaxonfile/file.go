package polyaxonfile

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/slipway-ci/slipway/internal/source"
)

// File is a Polyaxonfile: a component, or an operation whose component is in it.
type File struct {
	// Name is how errors call the file.
	Name  string
	root  map[string]any
	place *place
	// texts are the lines of the file, and of those that its references name.
	texts map[string][][]byte
	// told are the references of which a problem was told already.
	told map[*place]bool
}

// place is where a value and its key stand, and those of what is in it.
type place struct {
	at, key source.Position
	keys    []string          // of a mapping, in the order that Polyaxon sees
	items   []*place          // of a list
	fields  map[string]*place // of a mapping
	note    note
	// spelled is the key as the file has it, where Polyaxon takes it for another one.
	spelled string
}

// field gives the place of a key's value; of a key that is not there, one that is
// nowhere.
func (p *place) field(key string) *place {
	if p == nil || p.fields[key] == nil {
		return &place{}
	}
	return p.fields[key]
}

// note tells what a plain value does not: what PyYAML made of a scalar.
type note uint8

const (
	// isDate: the text is a date or a time, for which Polyaxon has types of its own.
	isDate note = 1 << iota
	// keyIsNoText: the key is a number or a boolean, as on is.
	keyIsNoText
)

// Root gives the file's values: nil, bool, int, *big.Int, float64, string, []any and
// map[string]any. It is nil when the text could not be read as a mapping. It is
// the file's own: callers must not change it.
func (f *File) Root() map[string]any { return f.root }

// At gives where the value at a path of keys and indexes stands, or its nearest
// parent.
func (f *File) At(path ...string) source.Position {
	p, _ := f.find(path)
	return p.at
}

// AtKey gives where the key at the end of a path stands, or what At gives.
func (f *File) AtKey(path ...string) source.Position {
	p, exact := f.find(path)
	if exact && p.key.Line > 0 {
		return p.key
	}
	return p.at
}

// Keys gives the keys of the mapping at a path, in the file's order, which is the
// order that templates see; nil when there is no mapping.
func (f *File) Keys(path ...string) []string {
	if p, exact := f.find(path); exact {
		return p.keys
	}
	return nil
}

// Spelled gives the key at the end of a path as the file has it: max_retries, where
// paths and values have maxRetries.
func (f *File) Spelled(path ...string) string {
	if p, exact := f.find(path); exact && p.spelled != "" {
		return p.spelled
	}
	return path[len(path)-1]
}

// IsOperation tells an operation from a component.
func (f *File) IsOperation() bool {
	if kind, ok := f.root["kind"].(string); ok {
		return kind == "operation"
	}
	for _, key := range []string{"component", "pathRef", "hubRef", "urlRef", "dagRef", "params", "isPreset", "runPatch"} {
		if _, ok := f.root[key]; ok {
			return true
		}
	}
	return false
}

// Component gives the component's values, and the path at which they stand: the
// file's own, or those below component. The values are nil when an operation has
// no component.
func (f *File) Component() (values map[string]any, path []string) {
	if !f.IsOperation() {
		return f.root, nil
	}
	component, _ := f.root["component"].(map[string]any)
	return component, []string{"component"}
}

// Line gives the line at a position in this file, or in one that it refers to; ""
// when there is none.
func (f *File) Line(at source.Position) string {
	lines := f.texts[at.File]
	if at.Line < 1 || at.Line > len(lines) {
		return ""
	}
	return string(lines[at.Line-1])
}

// Comments gives the comments for a position, without their #: the one at the end of
// its line, and those that fill the lines right above.
func (f *File) Comments(at source.Position) []string {
	var comments []string
	if text, ok := comment(f.Line(at)); ok {
		comments = append(comments, text)
	}
	for at.Line--; at.Line > 0; at.Line-- {
		line := strings.TrimSpace(f.Line(at))
		if !strings.HasPrefix(line, "#") {
			break
		}
		comments = append(comments, strings.TrimSpace(strings.TrimLeft(line, "#")))
	}
	return comments
}

// comment gives what follows a # that is neither in quotes nor within a word.
func comment(line string) (string, bool) {
	quote := byte(0)
	for i := 0; i < len(line); i++ {
		c := line[i]
		apart := i == 0 || line[i-1] == ' ' || line[i-1] == '\t'
		switch {
		case quote == '"' && c == '\\':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case (c == '"' || c == '\'') && (apart || strings.IndexByte("[{,", line[i-1]) >= 0):
			quote = c
		case c == '#' && apart:
			return strings.TrimSpace(strings.TrimLeft(line[i:], "#")), true
		}
	}
	return "", false
}

// find gives the place at a path, or its nearest parent's.
func (f *File) find(path []string) (p *place, exact bool) {
	if p = f.place; p == nil {
		return &place{at: source.Position{File: f.Name}}, len(path) == 0
	}
	for _, key := range path {
		next := p.fields[key]
		if i, err := strconv.Atoi(key); next == nil && err == nil && i >= 0 && i < len(p.items) {
			next = p.items[i]
		}
		if next == nil {
			return p, false
		}
		p = next
	}
	return p, true
}

// lines splits a text where YAML 1.1 counts a line break (its section 5.4), so that
// what is told of a place is of the line with its number.
func lines(text []byte) [][]byte {
	breaks := strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n")
	return bytes.Split([]byte(breaks.Replace(string(text))), []byte("\n"))
}
