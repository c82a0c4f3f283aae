package file

import "github.com/slipway-ci/slipway/internal/source"

// Place is where a value and its key stand, and those of what is in it.
type Place struct {
	At, key source.Position
	Keys    []string          // of a mapping, in the order that Polyaxon sees
	Items   []*Place          // of a list
	Fields  map[string]*Place // of a mapping
	note    note
	// Spelled is the key as the file has it, where Polyaxon takes it for another one.
	Spelled string
	// Told: it is a reference, and a problem of it was told already.
	Told bool
}

// Place returns where the file's values stand.
func (f *File) Place() *Place { return f.place }

// IsDate reports whether YAML makes a date or a time of the text, for which Polyaxon
// has types of its own.
func (p *Place) IsDate() bool { return p.note&noteDate != 0 }

// KeyIsNoText reports whether YAML makes a number or a boolean of the key, as of on.
func (p *Place) KeyIsNoText() bool { return p.note&noteKeyIsNoText != 0 }

// AtKey returns where the key stands, or the value where there is none.
func (p *Place) AtKey() source.Position {
	if p.key.Line > 0 {
		return p.key
	}
	return p.At
}

// field gives the place of a key's value; of a key that is not there, one that is
// nowhere.
func (p *Place) field(key string) *Place {
	if p == nil || p.Fields[key] == nil {
		return &Place{}
	}
	return p.Fields[key]
}

// note tells what a plain value does not: what PyYAML made of a scalar.
type note uint8

const (
	// noteDate: the text is a date or a time, for which Polyaxon has types of its own.
	noteDate note = 1 << iota
	// noteKeyIsNoText: the key is a number or a boolean, as on is.
	noteKeyIsNoText
)

// named appends the places of the keys of this name to found.
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
