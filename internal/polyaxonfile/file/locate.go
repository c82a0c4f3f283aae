package file

import "github.com/slipway-ci/slipway/internal/source"

// Locate gives where in the file something stands that a server names by a path of
// keys from the operation's root. Servers put steps into paths that no file has
// (the number of an alternative): those are passed over. It is false when not even
// the path's beginning is in the file.
func (f *File) Locate(path []string) (source.Position, bool) {
	var best []string
	for _, from := range [][]string{path, withoutFirst(path, "component"), append([]string{"component"}, path...)} {
		if found := f.along(from); len(found) > len(best) {
			best = found
		}
	}
	if len(best) == 0 || len(best) == 1 && best[0] == "component" && len(path) > 1 {
		return source.Position{}, false
	}
	return f.AtKey(best...), true
}

func withoutFirst(path []string, key string) []string {
	if len(path) > 1 && path[0] == key {
		return path[1:]
	}
	return nil
}

// along gives the steps of a path that the file has.
func (f *File) along(path []string) []string {
	var found []string
	for _, step := range path {
		if _, exact := f.find(append(found[:len(found):len(found)], step)); exact {
			found = append(found, step)
		}
	}
	return found
}

// LocateKey gives where the only key of this name stands; false when there is none,
// or more than one.
func (f *File) LocateKey(key string) (source.Position, bool) {
	var found []source.Position
	if f.place != nil {
		found = f.place.named(key, nil)
	}
	if len(found) != 1 {
		return source.Position{}, false
	}
	return found[0], true
}
