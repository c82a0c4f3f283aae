package schema

import (
	"embed"
	"fmt"
	"strings"
	"sync"
)

// The tables describe, line by line, what an object's keys accept:
//
//	object NAME [: BASE...] [compact] [open]
//	    KEY TYPE [required] [since VERSION] [before VERSION]
//	union NAME
//	    KIND OBJECT [since VERSION] [before VERSION]
//	enum NAME WORD...
//
// A TYPE is one of the Forms, an object, a union, an enum, k8s. followed by a Kubernetes
// type, [TYPE] for a list or {TYPE} for a map. Alternatives are joined by |. After an
// alternative, @VERSION is the first version that accepts it, and <VERSION the first one
// that no longer does.
//
//go:embed tables/*.txt
var tables embed.FS

// Tables holds all objects, unions and enums, by name.
type Tables struct {
	objects map[string]*Object
	unions  map[string]*Union
	enums   map[string][]string
}

// Object returns an object of the tables, or nil when there is none of that name.
func (t *Tables) Object(name string) *Object { return t.objects[name] }

// Union returns a union of the tables, or nil when there is none of that name.
func (t *Tables) Union(name string) *Union { return t.unions[name] }

var load = sync.OnceValues(func() (*Tables, error) {
	entries, err := tables.ReadDir("tables")
	if err != nil {
		return nil, err
	}
	var texts []string
	for _, entry := range entries {
		text, err := tables.ReadFile("tables/" + entry.Name())
		if err != nil {
			return nil, err
		}
		texts = append(texts, string(text))
	}
	return parse(strings.Join(texts, "\n"))
})

// Load returns the tables. They are parsed once. It returns an error for a mistake in the
// tables, which the tests rule out.
func Load() (*Tables, error) { return load() }

// parse parses the text of the tables. It creates all names first, so that objects may
// refer to each other.
func parse(text string) (*Tables, error) {
	t := &Tables{map[string]*Object{}, map[string]*Union{}, map[string][]string{}}
	var blocks [][][]string
	for _, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
			continue
		case line[0] == ' ':
			if len(blocks) == 0 {
				return nil, fmt.Errorf("%q is not in a block", line)
			}
			blocks[len(blocks)-1] = append(blocks[len(blocks)-1], words)
			continue
		case len(words) < 2:
			return nil, fmt.Errorf("%q has no name", line)
		}
		blocks = append(blocks, [][]string{words})
		switch name := words[1]; words[0] {
		case "object":
			t.objects[name] = &Object{Name: name}
		case "union":
			t.unions[name] = &Union{Name: name}
		case "enum":
			t.enums[name] = words[2:]
		default:
			return nil, fmt.Errorf("%q does not begin a block", line)
		}
	}
	for _, block := range blocks {
		if err := t.fill(block); err != nil {
			return nil, fmt.Errorf("%s: %w", block[0][1], err)
		}
	}
	return t, nil
}

func (t *Tables) fill(block [][]string) error {
	head := block[0]
	o, u := t.objects[head[1]], t.unions[head[1]]
	if head[0] == "enum" {
		return nil
	}
	for _, word := range head[2:] {
		switch base := t.objects[word]; {
		case word == ":":
		case word == "compact":
			o.Compact = true
		case word == "open":
			o.Open = true
		case base == nil || len(base.Fields) == 0:
			return fmt.Errorf("its base %s is not defined above it", word)
		default:
			o.Fields = append(o.Fields, base.Fields...)
		}
	}
	for _, words := range block[1:] {
		if len(words) < 2 {
			return fmt.Errorf("%s has no type", words[0])
		}
		required, in, err := flags(words[2:])
		if err != nil {
			return fmt.Errorf("%s: %w", words[0], err)
		}
		if u != nil {
			target := t.objects[words[1]]
			if target == nil {
				return fmt.Errorf("object %s not found", words[1])
			}
			u.Kinds = append(u.Kinds, Kind{words[0], target, in})
			continue
		}
		typ, err := t.typ(words[1])
		if err != nil {
			return fmt.Errorf("%s: %w", words[0], err)
		}
		o.Fields = append(o.Fields, Field{words[0], typ, required, in})
	}
	return nil
}

func flags(words []string) (required bool, in Range, err error) {
	for i := 0; i < len(words); i++ {
		switch {
		case words[i] == "required":
			required = true
		case words[i] == "since" && i+1 < len(words):
			i++
			in.Since, err = ParseVersion(words[i])
		case words[i] == "before" && i+1 < len(words):
			i++
			in.Before, err = ParseVersion(words[i])
		default:
			err = fmt.Errorf("%q is unknown", words[i])
		}
		if err != nil {
			return false, in, err
		}
	}
	return required, in, nil
}

func (t *Tables) typ(text string) (Type, error) {
	var typ Type
	for _, part := range alternatives(text) {
		choice := Choice{}
		var err error
		if word, version, ok := cutOutside(part, '<'); ok {
			part = word
			if choice.Before, err = ParseVersion(version); err != nil {
				return nil, err
			}
		}
		if word, version, ok := cutOutside(part, '@'); ok {
			part = word
			if choice.Since, err = ParseVersion(version); err != nil {
				return nil, err
			}
		}
		if err := t.choice(part, &choice); err != nil {
			return nil, err
		}
		typ = append(typ, choice)
	}
	return typ, nil
}

func (t *Tables) choice(word string, c *Choice) (err error) {
	switch {
	case strings.HasPrefix(word, "["):
		c.Form = List
		c.Elem, err = t.typ(strings.TrimSuffix(word[1:], "]"))
	case strings.HasPrefix(word, "{"):
		c.Form = Map
		c.Elem, err = t.typ(strings.TrimSuffix(word[1:], "}"))
	case strings.HasPrefix(word, "k8s."):
		c.Form = Mapping
		if c.Object = Kubernetes(word[len("k8s."):]); c.Object == nil {
			err = fmt.Errorf("unknown type %s", word)
		}
	case t.objects[word] != nil:
		c.Form, c.Object = Mapping, t.objects[word]
	case t.unions[word] != nil:
		c.Form, c.Union = OneOf, t.unions[word]
	case t.enums[word] != nil:
		c.Form, c.Words = Enum, t.enums[word]
	default:
		switch c.Form = Form(word); c.Form {
		case Any, Text, Name, Bool, Int, LooseInt, Count, LooseCount, Float, StrictFloat, Positive, Value, Date, DateTime, Moment, Duration, Template:
		default:
			err = fmt.Errorf("unknown type %s", word)
		}
	}
	return err
}

// alternatives splits a text at each | outside of brackets.
func alternatives(text string) []string {
	var parts []string
	depth, start := 0, 0
	for i, c := range text {
		switch c {
		case '[', '{':
			depth++
		case ']', '}':
			depth--
		case '|':
			if depth == 0 {
				parts = append(parts, text[start:i])
				start = i + 1
			}
		}
	}
	return append(parts, text[start:])
}

// cutOutside cuts a text at the last mark, if no closing bracket follows it.
func cutOutside(text string, mark byte) (before, after string, found bool) {
	i := strings.LastIndexByte(text, mark)
	if i < 0 || strings.ContainsAny(text[i:], "]}") {
		return text, "", false
	}
	return text[:i], text[i+1:], true
}
