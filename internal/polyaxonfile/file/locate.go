package file

import "github.com/slipway-ci/slipway/internal/source"

// Locate returns the position in the file of a value that a server names by a path of
// keys from the operation's root. Servers insert steps that do not exist in any file,
// such as the number of an alternative; Locate skips them. It returns false when the file
// does not even have the beginning of the path.
func (f *File) Locate(path []string) (source.Position, bool) {
	var best []string
	for _, from := range [][]string{path, withoutFirst(path, "component"), append([]string{"component"}, path...)} {
		if found := f.existingPath(from); len(found) > len(best) {
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

// existingPath returns the steps of a path that exist in the file.
func (f *File) existingPath(path []string) []string {
	var found []string
	for _, step := range path {
		if _, exact := f.find(append(found[:len(found):len(found)], step)); exact {
			found = append(found, step)
		}
	}
	return found
}

// LocateKey returns the position of the only key with this name. It returns false when
// there is none, or more than one.
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
