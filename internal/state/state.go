// Package state manages the directory .slipway of a working tree, where slipway keeps
// files that are not part of the sources: the sandbox and its caches.
package state

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Name is the name of the directory, below the root of a working tree.
const Name = ".slipway"

// Dir returns the path of parts below the directory .slipway of the working tree at root.
func Dir(root string, parts ...string) string {
	return filepath.Join(append([]string{root, Name}, parts...)...)
}

// Make creates the directory if it does not exist. It adds a .gitignore so that git
// ignores all its contents, unless there is one already.
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
