// Package file reads Polyaxonfiles: their text, and the files that they refer to, into
// plain values and the places where those stand.
package file

import (
	"strconv"

	"github.com/slipway-ci/slipway/internal/source"
)

// File is a Polyaxonfile: a component, or an operation whose component is in it.
type File struct {
	// Name is how errors call the file.
	Name  string
	root  map[string]any
	place *Place
	// texts are the lines of the file, and of those that its references name.
	texts map[string][][]byte
}

// Root gives the file's values: nil, bool, int, *big.Int, float64, string, []any and
// map[string]any. It is nil when the text could not be read as a mapping. It is
// the file's own: callers must not change it.
func (f *File) Root() map[string]any { return f.root }

// At gives where the value at a path of keys and indexes stands, or its nearest
// parent.
func (f *File) At(path ...string) source.Position {
	p, _ := f.find(path)
	return p.At
}

// AtKey gives where the key at the end of a path stands, or what At gives.
func (f *File) AtKey(path ...string) source.Position {
	p, exact := f.find(path)
	if exact && p.key.Line > 0 {
		return p.key
	}
	return p.At
}

// Keys gives the keys of the mapping at a path, in the file's order, which is the
// order that templates see; nil when there is no mapping.
func (f *File) Keys(path ...string) []string {
	if p, exact := f.find(path); exact {
		return p.Keys
	}
	return nil
}

// Spelled gives the key at the end of a path as the file has it: max_retries, where
// paths and values have maxRetries.
func (f *File) Spelled(path ...string) string {
	if p, exact := f.find(path); exact && p.Spelled != "" {
		return p.Spelled
	}
	return path[len(path)-1]
}

// find gives the place at a path, or its nearest parent's.
func (f *File) find(path []string) (p *Place, exact bool) {
	if p = f.place; p == nil {
		return &Place{At: source.Position{File: f.Name}}, len(path) == 0
	}
	for _, key := range path {
		next := p.Fields[key]
		if i, err := strconv.Atoi(key); next == nil && err == nil && i >= 0 && i < len(p.Items) {
			next = p.Items[i]
		}
		if next == nil {
			return p, false
		}
		p = next
	}
	return p, true
}
