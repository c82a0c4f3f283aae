package image

import (
	"bufio"
	"bytes"
	"errors"
	"io"
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

// noticeAbsent warns of what a checkout of CI often lacks: the files of Git LFS, for which it has
// pointers, and those of submodules, for which it has empty directories. The image would be made
// without them.
func (c *collector) noticeAbsent(entries []entry) {
	var pointers []string
	for _, e := range entries {
		if e.open == nil && e.link == "" && e.size >= minPointer && e.size <= maxPointer && c.beginsWith(e.file, pointer) {
			pointers = append(pointers, e.file)
		}
	}
	if len(pointers) > 0 {
		c.spec.Notify(Warning, "image %s has pointers of Git LFS instead of files: %s; fetch them first: git lfs pull, or with: {lfs: true} of actions/checkout", c.spec.Name, source.ShortenList(pointers, maxNamed))
	}
	if empty := c.emptyModules(); len(empty) > 0 {
		c.spec.Notify(Warning, "image %s has nothing of the submodules %s, which are empty; fetch them first: git submodule update --init, with: {submodules: true} of actions/checkout, or GIT_SUBMODULE_STRATEGY: normal of GitLab",
			c.spec.Name, source.ShortenList(empty, maxNamed))
	}
}

// beginsWith reports whether a file of the tree begins with a text.
func (c *collector) beginsWith(name, text string) bool {
	file, err := openRegular(c.root, name)
	if err != nil {
		return false
	}
	defer file.Close()
	head := make([]byte, len(text))
	_, err = io.ReadFull(file, head)
	return err == nil && string(head) == text
}

// emptyModules returns the submodules that are empty directories, and a part of the image but for that.
func (c *collector) emptyModules() (empty []string) {
	text, err := source.ReadFile(c.root, ".gitmodules", maxModules)
	if err != nil {
		return nil
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		key, value, ok := strings.Cut(lines.Text(), "=")
		module := strings.Trim(strings.TrimSpace(value), `"`)
		if !ok || strings.TrimSpace(key) != "path" || !filepath.IsLocal(module) || !c.named(path.Clean(module)) || c.ignored.matches(path.Clean(module)) {
			continue
		}
		directory, err := c.root.Open(filepath.FromSlash(module))
		if err != nil {
			continue
		}
		if _, err := directory.ReadDir(1); errors.Is(err, io.EOF) {
			empty = append(empty, path.Clean(module))
		}
		_ = directory.Close()
	}
	return empty
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
