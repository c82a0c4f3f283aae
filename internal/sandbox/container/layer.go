package container

import (
	"archive/tar"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Whiteouts, by which OCI layers remove content of the layers below: a file .wh.NAME
// removes NAME, and .wh..wh..opq removes everything that lower layers have in its
// directory. https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts
const (
	whiteoutPrefix = ".wh."
	whiteoutMeta   = ".wh..wh."
	whiteoutOpaque = ".wh..wh..opq"
)

// layer is a layer that is being applied to a tree.
type layer struct {
	tree *tree
	// written holds the tree's paths that this layer created, and their parents.
	// Whiteouts affect lower layers only.
	written map[string]bool
}

var errOutside = errors.New("it points outside of the image, so the image is broken or malicious")

// entryPath returns an entry's clean path, relative to the image's root. It returns
// errOutside for a path with "..".
func entryPath(name string) (string, error) {
	if slices.Contains(strings.Split(name, "/"), "..") {
		return "", errOutside
	}
	return strings.TrimPrefix(path.Clean("/"+name), "/"), nil
}

// entry applies an entry of the archive. put creates its file under a free name of a
// directory.
func (l *layer) entry(header *tar.Header, put func(dir directory, base string) error) error {
	name, err := entryPath(header.Name)
	if err != nil || name == "" {
		return err
	}
	parent, base := path.Split(name)
	dir, err := l.tree.directory(parent)
	if err != nil {
		return err
	}
	switch {
	case base == whiteoutOpaque:
		return l.clear(dir.path)
	case strings.HasPrefix(base, whiteoutMeta):
		return nil
	case strings.HasPrefix(base, whiteoutPrefix):
		gone := strings.TrimPrefix(base, whiteoutPrefix)
		if gone == "" || gone == "." || gone == ".." {
			return errOutside
		}
		return l.removeLower(path.Join(dir.path, gone))
	}
	switch header.Typeflag {
	case tar.TypeDir, tar.TypeReg, tar.TypeSymlink, tar.TypeLink:
	default:
		return nil // devices and pipes: the container gets its own /dev
	}

	at := path.Join(dir.path, base)
	l.mark(at)
	isDir := header.Typeflag == tar.TypeDir
	exists, err := l.removeReplaced(dir, base, isDir)
	if err != nil {
		return err
	}
	switch header.Typeflag {
	case tar.TypeDir:
		if !exists {
			if err := dir.root.Mkdir(base, 0o700); err != nil {
				return err
			}
		}
		mode := header.FileInfo().Mode()
		return dir.root.Chmod(base, mode.Perm()|0o700|mode&fs.ModeSticky)
	case tar.TypeSymlink:
		return dir.root.Symlink(header.Linkname, base)
	case tar.TypeLink:
		return l.link(header.Linkname, at)
	}
	return put(dir, base)
}

// removeReplaced removes what a new entry replaces. A directory that is replaced by a directory
// stays; exists reports that.
func (l *layer) removeReplaced(dir directory, base string, isDir bool) (exists bool, err error) {
	info, err := dir.root.Lstat(base)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if info.IsDir() && isDir {
		return true, nil
	}
	return false, dir.root.RemoveAll(base)
}

// link makes a hard link, or a copy if the file system refuses links.
func (l *layer) link(target, at string) error {
	name, err := entryPath(target)
	if err != nil {
		return fmt.Errorf("link to %q: %w", target, err)
	}
	parent, base := path.Split(name)
	real, err := l.tree.resolve(parent)
	if err != nil {
		return err
	}
	old := path.Join(real, base)
	linked := l.tree.root.Link(old, at)
	if linked == nil {
		return nil
	}
	info, err := l.tree.root.Lstat(old)
	if err != nil || !info.Mode().IsRegular() {
		return linked
	}
	return copyFile(l.tree.root, old, l.tree.root, at, info)
}

// mark records that this layer created a path.
func (l *layer) mark(at string) {
	for ; at != "." && !l.written[at]; at = path.Dir(at) {
		l.written[at] = true
	}
}

// removeLower removes what lower layers have at a path.
func (l *layer) removeLower(at string) error {
	if !l.written[at] {
		return l.tree.root.RemoveAll(at)
	}
	info, err := l.tree.root.Lstat(at)
	if err != nil || !info.IsDir() {
		return err
	}
	return l.clear(at)
}

// clear removes what lower layers have in a directory.
func (l *layer) clear(at string) error {
	entries, err := fs.ReadDir(l.tree.root.FS(), at)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := l.removeLower(path.Join(at, e.Name())); err != nil {
			return err
		}
	}
	return nil
}
