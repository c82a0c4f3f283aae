// Package state is the directory .slipway of a work tree, where slipway keeps what
// is not anybody's source: the sandbox and its caches.
package state

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Name is that of the directory, below a work tree's root.
const Name = ".slipway"

// Dir gives the path of what is kept below the root of a work tree.
func Dir(root string, parts ...string) string {
	return filepath.Join(append([]string{root, Name}, parts...)...)
}

// Make makes the directory where it is not there, with a .gitignore by which git
// never sees what is in it.
func Make(root string) error {
	if err := os.MkdirAll(Dir(root), 0o755); err != nil {
		return err
	}
	file, err := os.OpenFile(Dir(root, ".gitignore"), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = file.WriteString("*\n")
	return errors.Join(err, file.Close())
}
