package file

import "github.com/slipway-ci/slipway/internal/source"

// Place is the position of a value and of its key, and those of the values in it.
type Place struct {
	At, key source.Position
	Keys    []string          // of a mapping, in the order that Polyaxon sees
	Items   []*Place          // of a list
	Fields  map[string]*Place // of a mapping
	note    note
	// Spelled is the key as it is spelled in the file, if Polyaxon reads it as another key.
	Spelled string
	// Reported says that the value comes from a reference whose problems have already been
	// reported.
	Reported bool
}

// Place returns the positions of the file's values.
func (f *File) Place() *Place { return f.place }

// IsDate reports whether YAML reads the text as a date or a time, for which Polyaxon has
// types of its own.
func (p *Place) IsDate() bool { return p.note&noteDate != 0 }

// KeyIsNotText reports whether YAML reads the key as a number or a boolean, as it does
// with on.
func (p *Place) KeyIsNotText() bool { return p.note&noteKeyIsNotText != 0 }

// AtKey returns the position of the key, or of the value when there is no key.
func (p *Place) AtKey() source.Position {
	if p.key.Line > 0 {
		return p.key
	}
	return p.At
}

// field returns the place of a key's value, or an empty Place when the key does not
// exist.
func (p *Place) field(key string) *Place {
	if p == nil || p.Fields[key] == nil {
		return &Place{}
	}
	return p.Fields[key]
}

// note records what the plain value does not show: how PyYAML read a scalar.
type note uint8

const (
	// noteDate marks a text that is a date or a time, for which Polyaxon has types of its own.
	noteDate note = 1 << iota
	// noteKeyIsNotText marks a key that is a number or a boolean, such as on.
	noteKeyIsNotText
)

// named appends the positions of the keys with this name to found.
func (p *Place) named(key string, found []source.Position) []source.Position {
	for _, name := range p.Keys {
		field := p.Fields[name]
		if field == nil {
			continue
		}
		if name == key {
			found = append(found, field.key)
		}
		found = field.named(key, found)
	}
	for _, item := range p.Items {
		found = item.named(key, found)
	}
	return found
}
