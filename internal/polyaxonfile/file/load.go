package file

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/yaml11"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/internal/source/syntax"
)

const (
	maxSize     = 4 << 20  // of a file, in bytes
	maxNodes    = 200_000  // of a file, with its aliases expanded
	maxExpanded = 16 << 20 // of a file's scalars and keys, with its aliases expanded, in bytes
	maxDepth    = 100      // of nesting
)

// Load reads a Polyaxonfile from memory. It does not check the file against any version:
// Validate does. The problems are those of the text, such as invalid YAML or a repeated
// key. The File's Root is nil if the text is not a mapping that can be read.
func Load(name string, text []byte) (*File, []Problem) {
	f := &File{Name: name, texts: map[string][][]byte{}}
	at := source.Position{File: name, Line: 1, Column: 1}
	refuse := func(format string, args ...any) (*File, []Problem) {
		return f, []Problem{{
			Error: source.Error{Position: at, Message: fmt.Sprintf(format, args...)}, Stage: StageSubmit, Severity: SeverityError, Name: "not-yaml",
		}}
	}
	switch {
	case len(text) > maxSize:
		return refuse("is larger than 4 MiB, the limit for a Polyaxonfile")
	case bytes.IndexByte(text, 0) >= 0 || !utf8.Valid(text):
		return refuse("is not valid UTF-8")
	}
	f.texts[name] = lines(text)
	if mistake := syntax.Find(text); mistake != nil && !json.Valid(text) { // JSON may contain tabs
		at.Line, at.Column = mistake.Line, mistake.Column
		f, problems := refuse("%s", mistake.Message)
		problems[0].Hint = mistake.Hint
		if hint := unquotedTemplate(f.texts[name]); hint != "" {
			problems[0].Hint = hint
		}
		return f, problems
	}
	document, err := decode(text)
	if err != nil {
		var bad *syntaxError
		if errors.As(err, &bad) {
			at.Line = min(max(bad.line, 1), bytes.Count(bytes.TrimRight(text, "\n"), []byte("\n"))+1)
		}
		return refuse("%s", err.Error())
	}
	b := &builder{file: name, within: map[*yaml.Node]bool{}}
	value, place := b.value(document, nil)
	root, ok := value.(map[string]any)
	if !ok && len(b.problems) == 0 {
		return refuse("must be a mapping with kind: component or kind: operation")
	}
	if !b.exceeded {
		f.root, f.place = root, place
		b.respell(f)
	}
	return f, b.problems
}

// syntaxError reports a text that the YAML library refuses. Its line is 0 when the
// library did not report one.
type syntaxError struct {
	line    int
	message string
}

func (e *syntaxError) Error() string { return e.message }

var directive = lazyregexp.New(`^%YAML 1\.\d`)

// decode returns the root node of the only document in a text. Its error is a
// *syntaxError.
func decode(text []byte) (*yaml.Node, error) {
	if m := directive.FindIndex(text); m != nil { // PyYAML reads any 1.x as 1.1
		text = slices.Clone(text)
		text[m[1]-1] = '1'
	}
	reader := yaml.NewDecoder(bytes.NewReader(text))
	var document, second yaml.Node
	if err := reader.Decode(&document); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, &syntaxError{message: "is empty"}
		}
		return nil, notYAML(err)
	}
	switch err := reader.Decode(&second); {
	case err == nil:
		return nil, &syntaxError{second.Line, "has a second document (---); only one is allowed"}
	case !errors.Is(err, io.EOF):
		return nil, notYAML(err)
	}
	return document.Content[0], nil
}

func notYAML(err error) *syntaxError {
	line, message := syntax.Split(err)
	return &syntaxError{line, "is not valid YAML: " + message}
}

// builder converts YAML nodes to plain values and records their positions.
type builder struct {
	file     string
	problems []Problem
	nodes    int
	text     int
	exceeded bool
	within   map[*yaml.Node]bool // targets of the aliases that are being read
}

func (b *builder) fail(n *yaml.Node, path []string, name, hint, format string, args ...any) {
	b.problems = append(b.problems, Problem{Path: path, Name: name, Stage: StageSubmit, Severity: SeverityError, Error: source.Error{
		Position: b.position(n), Message: fmt.Sprintf(format, args...), Hint: hint,
	}})
}

func (b *builder) position(n *yaml.Node) source.Position {
	return source.Position{File: b.file, Line: n.Line, Column: n.Column}
}

func (b *builder) value(n *yaml.Node, path []string) (any, *Place) {
	p := &Place{At: b.position(n)}
	if n.Kind == yaml.AliasNode {
		if b.within[n.Alias] {
			b.fail(n, path, "not-yaml", "", "the alias *%s refers to a value that contains it", n.Value)
			b.exceeded = true
			return nil, p
		}
		b.within[n.Alias] = true
		defer delete(b.within, n.Alias)
		n = n.Alias
		p.At = b.position(n)
	}
	b.nodes++
	b.text += len(n.Value)
	if b.exceeded || b.nodes > maxNodes || b.text > maxExpanded || len(path) > maxDepth {
		if !b.exceeded {
			b.fail(n, path, "not-yaml", "", "is nested too deeply, or too large when its aliases are expanded")
		}
		b.exceeded = true
		return nil, p
	}
	if n.Kind != yaml.ScalarNode && n.Style&yaml.TaggedStyle != 0 && n.Tag != "!!map" && n.Tag != "!!seq" {
		b.fail(n, path, "not-yaml", "", "the tag %s is not supported by Polyaxon", n.Tag)
	}
	switch n.Kind {
	case yaml.MappingNode:
		if inner := templateWithoutQuotes(n); inner != "" {
			b.fail(n, path, "not-yaml", `write "{{ `+inner+` }}"`, "a text that begins with {{ must be in quotes")
			return "{{ " + inner + " }}", p
		}
		return b.mapping(n, path, p), p
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for i, item := range n.Content {
			value, below := b.value(item, extend(path, strconv.Itoa(i)))
			list, p.Items = append(list, value), append(p.Items, below)
		}
		return list, p
	}
	value, date, err := yaml11.Resolve(n)
	if date {
		p.note |= noteDate
	}
	if err != nil {
		b.fail(n, path, "not-yaml", "", "%s", err.Error())
	}
	if x, ok := value.(float64); ok && (math.IsNaN(x) || math.IsInf(x, 0)) {
		b.fail(n, path, "no-json-number", "write the text in quotes", "%s is not a valid number in JSON", n.Value)
		b.problems[len(b.problems)-1].Stage = StageAdvice
	}
	return value, p
}

func (b *builder) mapping(n *yaml.Node, path []string, p *Place) map[string]any {
	m := make(map[string]any, len(n.Content)/2)
	p.Fields = make(map[string]*Place, len(n.Content)/2)
	put := func(key string, value any, at *Place) {
		if _, have := m[key]; !have {
			p.Keys = append(p.Keys, key)
		}
		m[key], p.Fields[key] = value, at
	}
	// PyYAML puts merged keys before the mapping's own keys. The own keys override them.
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Tag != "!!merge" {
			continue
		}
		value, below := b.value(n.Content[i+1], path)
		merged, places := []any{value}, []*Place{below}
		if list, ok := value.([]any); ok {
			merged, places = list, below.Items
		}
		for j := len(merged) - 1; j >= 0; j-- {
			m, ok := merged[j].(map[string]any)
			if !ok {
				b.fail(n.Content[i+1], path, "not-yaml", "", "<< must be a mapping or a list of mappings")
				break
			}
			for _, key := range places[j].Keys {
				put(key, m[key], places[j].Fields[key])
			}
		}
	}
	own := make(map[string]bool, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Tag == "!!merge" {
			continue
		}
		if key.Kind != yaml.ScalarNode {
			b.fail(key, path, "not-yaml", "", "a key must be text, not a list or a mapping")
			continue
		}
		b.text += len(key.Value)
		name, noText, err := keyName(key)
		if err != nil {
			b.fail(key, path, "not-yaml", "", "%s", err.Error())
		}
		if own[name] {
			b.fail(key, extend(path, name), "repeated-key", "remove one of them; Polyaxon would silently use the last", "duplicate key %s", name)
			b.problems[len(b.problems)-1].Stage = StageAdvice
		}
		own[name] = true
		value, below := b.value(n.Content[i+1], extend(path, name))
		below.key = b.position(key)
		if noText {
			below.note |= noteKeyIsNotText
		}
		put(name, value, below)
	}
	return m
}

// keyName returns a key as JSON has it, and reports whether YAML reads the key as
// something other than text: the key on is true.
func keyName(key *yaml.Node) (name string, noText bool, err error) {
	value, date, err := yaml11.Resolve(key)
	switch {
	case key.Value == "=": // PyYAML reads it as text when it is a key
		return key.Value, false, nil
	case err != nil:
		return key.Value, false, err
	}
	switch x := value.(type) {
	case string:
		return x, date, nil
	case nil:
		return "null", true, nil
	case float64:
		if x == math.Trunc(x) && math.Abs(x) < 1e16 {
			return strconv.FormatFloat(x, 'f', 1, 64), true, nil
		}
	}
	return fmt.Sprint(value), true, nil
}

func extend(path []string, key string) []string {
	return append(append(make([]string, 0, len(path)+1), path...), key)
}
