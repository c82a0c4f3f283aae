package image

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/slipway-ci/slipway/internal/source"
)

// pointer begins a file that stands for one of Git LFS (git-lfs, docs/spec.md).
const pointer = "version https://git-lfs.github.com/spec/v1\n"

const (
	minPointer = 120 // bytes of its three lines
	maxPointer = 400 // with some for extensions
	maxModules = 1 << 20
	maxNamed   = 5
)

// Absent is what a checkout of CI often lacks. The image would be made without it.
type Absent struct {
	// Pointers are files that have a pointer of Git LFS in place of what belongs there.
	Pointers []string
	// Modules are submodules that are empty directories.
	Modules []string
}

// Notices returns the warnings of an image.
func (a Absent) Notices(image string) (all []Notice) {
	if len(a.Pointers) > 0 {
		all = append(all, Notice{Level: Warning, Text: fmt.Sprintf("image %s has pointers of Git LFS instead of files: %s; fetch them first: git lfs pull, or with: {lfs: true} of actions/checkout", image, source.ShortenList(a.Pointers, maxNamed))})
	}
	if len(a.Modules) > 0 {
		all = append(all, Notice{Level: Warning, Text: fmt.Sprintf("image %s has nothing of the submodules %s, which are empty; fetch them first: git submodule update --init, with: {submodules: true} of actions/checkout, or GIT_SUBMODULE_STRATEGY: normal of GitLab",
			image, source.ShortenList(a.Modules, maxNamed))})
	}
	return all
}

// absent returns what the files of the image lack.
func (c *collector) absent(entries []entry) (a Absent) {
	for _, e := range entries {
		if e.open == nil && e.link == "" && mayBePointer(e.size) && IsPointer(c.root, e.file) {
			a.Pointers = append(a.Pointers, e.file)
		}
	}
	for _, module := range EmptyModules(c.root) {
		if c.named(module) && !c.ignored.matches(module) {
			a.Modules = append(a.Modules, module)
		}
	}
	return a
}

func mayBePointer(size int64) bool { return size >= minPointer && size <= maxPointer }

// IsPointer reports whether a file of a tree is a pointer of Git LFS.
func IsPointer(root *os.Root, name string) bool {
	info, err := root.Lstat(filepath.FromSlash(name))
	if err != nil || !info.Mode().IsRegular() || !mayBePointer(info.Size()) {
		return false
	}
	file, err := openRegular(root, name)
	if err != nil {
		return false
	}
	defer file.Close()
	head := make([]byte, len(pointer))
	_, err = io.ReadFull(file, head)
	return err == nil && string(head) == pointer
}

// EmptyModules returns the submodules of a tree that are empty directories.
func EmptyModules(root *os.Root) (empty []string) {
	text, err := source.ReadFile(root, ".gitmodules", maxModules)
	if err != nil {
		return nil
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		key, value, ok := strings.Cut(lines.Text(), "=")
		module := path.Clean(strings.Trim(strings.TrimSpace(value), `"`))
		if ok && strings.TrimSpace(key) == "path" && filepath.IsLocal(module) && isEmptyDirectory(root, module) {
			empty = append(empty, module)
		}
	}
	return empty
}

func isEmptyDirectory(root *os.Root, name string) bool {
	directory, err := root.Open(filepath.FromSlash(name))
	if err != nil {
		return false
	}
	defer directory.Close()
	_, err = directory.ReadDir(1)
	return errors.Is(err, io.EOF)
}

// named reports whether slipway.yaml names a path, or a directory above it.
func (c *collector) named(at string) bool {
	for _, file := range c.spec.Files {
		if file == "." || file == at || strings.HasPrefix(at, strings.TrimSuffix(file, "/")+"/") {
			return true
		}
	}
	return false
}
