// Package edit changes YAML and JSON texts with minimal edits. Comments, order, quotes,
// indentation, blank lines and line endings stay as they are.
//
// An Edit names a value by its path of keys and list indexes. Apply applies edits to a
// text, and Edit.ApplyTo to plain values. Apply parses its result again: either the result has
// the value that Edit.ApplyTo returns, or Apply returns an error and no text.
package edit

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

type verb int

const (
	set verb = iota
	insert
	remove
	rename
)

// Edit is one change at a path of a document.
type Edit struct {
	verb  verb
	path  []string
	value any
	key   string
}

// Set returns an edit that sets the value at path. The value may be nil, bool, int,
// *big.Int, float64, string, []any or map[string]any. Missing keys on the path are
// created; list elements must exist.
func Set(value any, path ...string) Edit { return Edit{verb: set, path: path, value: value} }

// Insert returns an edit that inserts a value into a list: before the element whose index
// is the last element of path, or at the end when that is "-". A missing list is created.
func Insert(value any, path ...string) Edit { return Edit{verb: insert, path: path, value: value} }

// Delete returns an edit that removes a key with its value, or an element of a list.
// Comments on lines of their own stay.
func Delete(path ...string) Edit { return Edit{verb: remove, path: path} }

// Rename returns an edit that renames the last key of path and keeps its place.
func Rename(key string, path ...string) Edit { return Edit{verb: rename, path: path, key: key} }

// Path returns the path joined by dots, for messages.
func (e Edit) Path() string { return strings.Join(e.path, ".") }

// ApplyTo applies the edit to a copy of plain values and returns the copy. It returns an error
// when the path does not exist.
func (e Edit) ApplyTo(value any) (any, error) {
	given, err := plain(e.value)
	if err != nil {
		return nil, err
	}
	e.value = given
	return e.applyTo(value, e.path)
}

func (e Edit) applyTo(value any, path []string) (any, error) {
	if len(path) == 0 {
		if e.verb != set {
			return nil, e.errorf("the path is empty")
		}
		return e.value, nil
	}
	switch at := value.(type) {
	case nil:
		if e.verb == set || e.verb == insert {
			return e.newValue(path)
		}
	case map[string]any:
		return e.applyToMapping(at, path)
	case []any:
		return e.applyToList(at, path)
	}
	return nil, e.errorf("the value above it is neither a mapping nor a list")
}

// newValue returns the value that is put at a path that does not exist.
func (e Edit) newValue(path []string) (any, error) {
	if e.verb == insert && len(path) == 1 {
		if path[0] != "-" && path[0] != "0" {
			return nil, e.errorf("the list has no such element")
		}
		return []any{e.value}, nil
	}
	below := e.value
	if len(path) > 1 {
		made, err := e.newValue(path[1:])
		if err != nil {
			return nil, err
		}
		below = made
	}
	return map[string]any{path[0]: below}, nil
}

func (e Edit) applyToMapping(m map[string]any, path []string) (any, error) {
	key := path[0]
	old, exists := m[key]
	changed := maps.Clone(m)
	switch {
	case len(path) > 1:
		if !exists && (e.verb == remove || e.verb == rename) {
			return nil, e.errorf("key %s not found", key)
		}
		below, err := e.applyTo(old, path[1:])
		if err != nil {
			return nil, err
		}
		changed[key] = below
	case e.verb == set:
		changed[key] = e.value
	case e.verb == insert:
		return nil, e.errorf("the value above it is not a list")
	case !exists:
		return nil, e.errorf("key %s not found", key)
	case e.verb == remove:
		delete(changed, key)
	case e.verb == rename:
		if _, taken := m[e.key]; taken {
			return nil, e.errorf("key %s already exists", e.key)
		}
		delete(changed, key)
		changed[e.key] = old
	}
	return changed, nil
}

func (e Edit) applyToList(list []any, path []string) (any, error) {
	i, err := strconv.Atoi(path[0])
	if e.verb == insert && len(path) == 1 {
		if path[0] == "-" {
			i, err = len(list), nil
		}
		if err != nil || i < 0 || i > len(list) {
			return nil, e.errorf("the list has no such element")
		}
		return slices.Insert(slices.Clone(list), i, e.value), nil
	}
	if err != nil || i < 0 || i >= len(list) {
		return nil, e.errorf("the list has no such element")
	}
	changed := slices.Clone(list)
	switch {
	case len(path) > 1:
		if changed[i], err = e.applyTo(list[i], path[1:]); err != nil {
			return nil, err
		}
	case e.verb == set:
		changed[i] = e.value
	case e.verb == remove:
		changed = slices.Delete(changed, i, i+1)
	default:
		return nil, e.errorf("an element of a list cannot be renamed")
	}
	return changed, nil
}

// index parses the index of an element of a list.
func index(key string, length int) (int, error) {
	i, err := strconv.Atoi(key)
	if err == nil && (i < 0 || i >= length) {
		err = strconv.ErrRange
	}
	return i, err
}

func (e Edit) errorf(format string, args ...any) error {
	return fmt.Errorf("edit %s: %s", e.Path(), fmt.Sprintf(format, args...))
}

// plain copies a value. It returns an error for a type that documents cannot contain.
func plain(value any) (any, error) {
	switch x := value.(type) {
	case nil, bool, int, *big.Int, float64, string:
		return value, nil
	case []any:
		list := make([]any, len(x))
		for i, element := range x {
			c, err := plain(element)
			if err != nil {
				return nil, err
			}
			list[i] = c
		}
		return list, nil
	case map[string]any:
		m := make(map[string]any, len(x))
		for key, element := range x {
			c, err := plain(element)
			if err != nil {
				return nil, err
			}
			m[key] = c
		}
		return m, nil
	}
	return nil, fmt.Errorf("edit: a %T cannot be written", value)
}
