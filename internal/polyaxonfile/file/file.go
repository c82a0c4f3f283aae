// Package file reads Polyaxonfiles, and the files that they refer to, into plain values
// and their positions.
package file

import (
	"strconv"

	"github.com/slipway-ci/slipway/internal/source"
)

// File is a Polyaxonfile: a component, or an operation that contains its component.
type File struct {
	// Name is the file's name in errors.
	Name  string
	root  map[string]any
	place *Place
	// texts are the lines of the file and of the files that it refers to, by file name.
	texts map[string][][]byte
}

// Root returns the file's values: nil, bool, int, *big.Int, float64, string, []any and
// map[string]any. It is nil when the text could not be read as a mapping. Callers must
// not change it.
func (f *File) Root() map[string]any { return f.root }

// At returns the position of the value at a path of keys and indexes. If the path does
// not exist, it returns the position of the nearest parent.
func (f *File) At(path ...string) source.Position {
	p, _ := f.find(path)
	return p.At
}

// AtKey returns the position of the key at the end of a path, or At's position when there
// is no key.
func (f *File) AtKey(path ...string) source.Position {
	p, exact := f.find(path)
	if exact && p.key.Line > 0 {
		return p.key
	}
	return p.At
}

// Keys returns the keys of the mapping at a path in the order in which templates see
// them, which is the file's. It returns nil when there is no mapping.
func (f *File) Keys(path ...string) []string {
	if p, exact := f.find(path); exact {
		return p.Keys
	}
	return nil
}

// Spelled returns the key at the end of a path as it is spelled in the file, for example
// max_retries where paths and values have maxRetries.
func (f *File) Spelled(path ...string) string {
	if p, exact := f.find(path); exact && p.Spelled != "" {
		return p.Spelled
	}
	return path[len(path)-1]
}

// find returns the place at a path, or that of its nearest parent. It reports whether the
// path exists.
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
