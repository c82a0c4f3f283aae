package container

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
)

// tree is a directory with a container's files. Nothing done through it leaves the
// directory, whatever symbolic links it contains.
type tree struct {
	root *os.Root
	// last is the directory that was opened last, since neighbouring entries of a layer
	// are often in the same directory. Its path can only change by an entry of its own
	// parent, and applying that entry makes the parent the last one.
	last directory
}

// directory is an open directory of a tree. path is its path there, free of symlinks.
type directory struct {
	name, path string
	root       *os.Root
}

func openTree(dir string) (*tree, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &tree{root: root}, nil
}

func (t *tree) close() {
	t.closeLast()
	_ = t.root.Close()
}

// closeLast closes the directory that was opened last.
func (t *tree) closeLast() {
	if t.last.root != nil {
		_ = t.last.root.Close()
	}
	t.last = directory{}
}

// directory opens a directory, following symlinks as a container would. It creates a
// missing directory.
func (t *tree) directory(name string) (directory, error) {
	if t.last.root != nil && t.last.name == name {
		return t.last, nil
	}
	t.closeLast()
	real, err := t.resolve(name)
	if err != nil {
		return directory{}, err
	}
	if err := t.root.MkdirAll(real, 0o755); err != nil {
		return directory{}, err
	}
	root, err := t.root.OpenRoot(real)
	if err != nil {
		return directory{}, err
	}
	t.last = directory{name: name, path: real, root: root}
	return t.last, nil
}

// maxLinks is how many symlinks a path may lead through, as in the kernel.
const maxLinks = 40

// resolve returns the path that name has, relative to the tree and free of symlinks, in a
// container with the tree as its root: absolute symlinks start at the root, and .. stops
// there. Parts that do not exist are taken literally.
func (t *tree) resolve(name string) (string, error) {
	real, links := ".", 0
	for rest := strings.Split(filepath.ToSlash(name), "/"); len(rest) > 0; {
		part := rest[0]
		rest = rest[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			real = path.Dir(real)
			continue
		}
		next := path.Join(real, part)
		info, err := t.root.Lstat(next)
		if errors.Is(err, fs.ErrNotExist) {
			real = next
			continue
		}
		if err != nil {
			return "", err
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			real = next
			continue
		}
		if links++; links > maxLinks {
			return "", fmt.Errorf("too many symbolic links: %s leads through more than %d", name, maxLinks)
		}
		target, err := t.root.Readlink(next)
		if err != nil {
			return "", err
		}
		target = filepath.ToSlash(target)
		if path.IsAbs(target) {
			real = "."
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	return real, nil
}

// within returns the path that name has, relative to the directory root and free of
// symlinks. It creates a missing directory.
func within(root, name string) (string, error) {
	t, err := openTree(root)
	if err != nil {
		return "", err
	}
	defer t.close()
	real, err := t.resolve(name)
	if err != nil {
		return "", err
	}
	if _, err := t.root.Lstat(real); errors.Is(err, fs.ErrNotExist) {
		return real, t.root.MkdirAll(real, 0o755)
	}
	return real, nil
}

// stat returns information about a path in a container. It follows symlinks.
func (t *tree) stat(name string) (fs.FileInfo, error) {
	real, err := t.resolve(name)
	if err != nil {
		return nil, err
	}
	return t.root.Lstat(real)
}

// copyTree copies an unpacked image to the new directory to. Hard links become separate
// files.
func copyTree(from, to string) error {
	source, err := os.OpenRoot(from)
	if err != nil {
		return err
	}
	defer source.Close()
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	target, err := os.OpenRoot(to)
	if err != nil {
		return err
	}
	defer target.Close()
	return fs.WalkDir(source.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		switch {
		case d.IsDir():
			if err := target.Mkdir(name, 0o700); err != nil {
				return err
			}
			return target.Chmod(name, info.Mode().Perm()|info.Mode()&fs.ModeSticky)
		case info.Mode()&fs.ModeSymlink != 0:
			link, err := source.Readlink(name)
			if err != nil {
				return err
			}
			return target.Symlink(link, name)
		case info.Mode().IsRegular():
			return copyFile(source, name, target, name, info)
		}
		return nil
	})
}

// copyFile copies a file with its mode and time. No process may be started meanwhile:
// until a new process executes its program it holds all files that are open here, and the
// kernel refuses to execute a file that is open for writing ("text file busy").
func copyFile(source *os.Root, from string, target *os.Root, to string, info fs.FileInfo) error {
	in, err := source.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return writeFile(target, to, in, info)
}

// writeFile creates a new file with the given content, mode and time.
func writeFile(target *os.Root, name string, content io.Reader, info fs.FileInfo) error {
	out, err := target.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, content)
	// Keep the file readable for the user who runs slipway, who is not root. In a
	// container root can read it anyway. Perm drops setuid and setgid.
	err = errors.Join(err, out.Chmod(info.Mode().Perm()|0o400), out.Close())
	if err != nil {
		return err
	}
	// Python compares a source file's time with the one in its compiled file.
	return target.Chtimes(name, info.ModTime(), info.ModTime())
}
