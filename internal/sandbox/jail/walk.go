package jail

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// Walk opens each regular file below a directory, ordered by path, and passes it to
// visit. visit must not read more than info's size, since the file may grow. Files that
// disappear meanwhile are left out.
func (d *Dir) Walk(name string, visit func(name string, file *os.File, info fs.FileInfo) error) error {
	left := maxEntries
	return d.walk(name, &left, visit)
}

func (d *Dir) walk(name string, left *int, visit func(string, *os.File, fs.FileInfo) error) error {
	if strings.Count(name, "/") > maxDepth {
		return &LimitError{name, maxDepth, "directories above it"}
	}
	entries, err := d.entries(name)
	if err != nil {
		return err
	}
	if *left -= len(entries); *left < 0 {
		return &LimitError{name, maxEntries, "entries, including its siblings"}
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return cmp.Compare(a.Name(), b.Name()) })
	for _, entry := range entries {
		at := path.Join(name, entry.Name())
		if entry.IsDir() {
			err = d.walk(at, left, visit)
		} else {
			err = d.visit(at, visit)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// visit skips names that are not regular files or that lead out of the directory.
func (d *Dir) visit(name string, visit func(string, *os.File, fs.FileInfo) error) error {
	if info, err := d.root.Stat(name); err != nil || !info.Mode().IsRegular() {
		return nil //nolint:nilerr // a link that leads out or nowhere
	}
	file, info, err := d.Open(name)
	if errors.Is(err, ErrNotRegular) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	return visit(name, file, info)
}
