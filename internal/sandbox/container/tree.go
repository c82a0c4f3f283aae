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

// tree is a directory with a container's files. Nothing that is done through it
// leaves it, whatever symbolic links it holds.
type tree struct {
	root *os.Root
	// last is the directory that was opened last: neighbours in a layer are often in
	// the same one. What it is cannot change but by an entry of its own parent, which
	// is the last one then.
	last directory
}

// directory is an open directory of a tree, and its path there, free of symlinks.
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
	t.leave()
	_ = t.root.Close()
}

// leave closes the directory that was opened last.
func (t *tree) leave() {
	if t.last.root != nil {
		_ = t.last.root.Close()
	}
	t.last = directory{}
}

// directory opens a directory, following symlinks as a container would, and makes
// it where it is missing.
func (t *tree) directory(name string) (directory, error) {
	if t.last.root != nil && t.last.name == name {
		return t.last, nil
	}
	t.leave()
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

// resolve gives the path, relative to the tree, that name is in a container which
// has the tree as its root: absolute symlinks start at the root, and .. stops
// there. What does not exist is taken as it is.
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
			return "", fmt.Errorf("%s leads through more than %d symbolic links", name, maxLinks)
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

// within gives the path, relative to the directory root and free of symlinks, that
// name is in it, and makes it a directory when it is missing.
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

// stat tells about what a path in a container is, symlinks followed.
func (t *tree) stat(name string) (fs.FileInfo, error) {
	real, err := t.resolve(name)
	if err != nil {
		return nil, err
	}
	return t.root.Lstat(real)
}

// copyTree copies an unpacked image to the new directory to. Hard links become
// files of their own.
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

// copyFile copies a file with its mode and time. No process is started meanwhile: until
// it executes its program it has all that is open here, and nobody can execute a file
// that somebody has open for writing ("text file busy").
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

// writeFile makes a new file.
func writeFile(target *os.Root, name string, content io.Reader, info fs.FileInfo) error {
	out, err := target.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, content)
	// The owner's right to read keeps the file usable for what runs slipway, which
	// is not root; in a container, root reads it anyway. Setuid and setgid go.
	err = errors.Join(err, out.Chmod(info.Mode().Perm()|0o400), out.Close())
	if err != nil {
		return err
	}
	// Python compares a source file's time with the one in its compiled file.
	return target.Chtimes(name, info.ModTime(), info.ModTime())
}
