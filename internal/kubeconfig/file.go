package kubeconfig

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/slipway-ci/slipway/internal/atomicfile"
	"github.com/slipway-ci/slipway/internal/machine"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/edit"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/internal/source/syntax"
)

// maxFile is the maximum size of a kubeconfig, in bytes.
const maxFile = 8 << 20

// blank is a kubeconfig without entries.
const blank = "apiVersion: v1\nkind: Config\n"

// file is one file of a kubeconfig.
type file struct {
	// path is as the user wrote it, and at where the file is: behind links.
	path, at string
	exists   bool
	writable bool
	text     []byte
	value    map[string]any
	edits    []edit.Edit
	changed  []byte
}

// open reads a file. A missing or empty file is one without entries.
func open(path string) (*file, error) {
	f := &file{path: path, value: map[string]any{}}
	var err error
	if f.at, err = behind(path); err != nil {
		return nil, fmt.Errorf("read the kubeconfig: %w", err)
	}
	info, err := os.Stat(f.at)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.text = []byte(blank)
		return f, nil
	case err != nil:
		return nil, fmt.Errorf("read the kubeconfig: %w", err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("read the kubeconfig: %s is not a regular file", path)
	case info.Size() > maxFile:
		return nil, fmt.Errorf("read the kubeconfig: %s has more than %d bytes", path, maxFile)
	}
	f.exists, f.writable = true, isWritable(f.at, info)
	if f.text, err = os.ReadFile(f.at); err != nil {
		return nil, fmt.Errorf("read the kubeconfig: %w", err)
	}
	if !hasContent(f.text) {
		f.text = append(bytes.TrimLeft(f.text, " \r\n"), blank...)
		return f, nil
	}
	if mistake := syntax.Find(f.text); mistake != nil {
		return nil, &source.Error{Position: source.Position{File: path, Line: mistake.Line, Column: mistake.Column}, Message: mistake.Message, Hint: mistake.Hint}
	}
	value, err := edit.Value(f.text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var ok bool
	if f.value, ok = value.(map[string]any); !ok {
		return nil, &source.Error{Position: source.Position{File: path, Line: 1}, Message: "a kubeconfig is a mapping with clusters, contexts and users"}
	}
	for _, list := range []string{"clusters", "contexts", "users"} {
		if _, ok := f.value[list].([]any); !ok && f.value[list] != nil {
			return nil, &source.Error{Position: source.Position{File: path}, Message: list + " is not a list"}
		}
	}
	return f, nil
}

// hasContent reports whether a text has anything but comments.
func hasContent(text []byte) bool {
	for line := range bytes.Lines(text) {
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' {
			return true
		}
	}
	return false
}

// behind returns the path that a path leads to through links. The file itself may be
// missing. It follows no link of another user, who could choose which file is written: in a directory
// that all can write, such as /tmp, the system would not follow one either.
func behind(path string) (string, error) {
	for range 40 {
		next, err := os.Readlink(path)
		if err != nil {
			return path, nil //nolint:nilerr // it is not a link
		}
		if why := machine.Foreign(path); why != "" {
			return "", fmt.Errorf("%s is a link that %s: remove it, or name another file", path, why)
		}
		if !filepath.IsAbs(next) {
			next = filepath.Join(filepath.Dir(path), next)
		}
		path = next
	}
	return "", fmt.Errorf("%s: too many links", path)
}

// apply makes the new text.
func (f *file) apply() error {
	if len(f.edits) == 0 {
		return nil
	}
	changed, err := edit.Apply(f.text, f.edits...)
	if err != nil {
		return fmt.Errorf("%s cannot be edited: %w", f.path, err)
	}
	f.changed = changed
	if f.differs() && f.exists && !f.writable {
		return fmt.Errorf("%s is read-only: make it writable, or name another file with --kubeconfig", f.path)
	}
	return nil
}

// differs reports whether the file has to be written.
func (f *file) differs() bool {
	return f.changed != nil && (!f.exists || !bytes.Equal(f.changed, f.text))
}

// write writes the new text, and reports whether it did.
func (f *file) write() (bool, error) {
	if !f.differs() {
		return false, nil
	}
	dir := filepath.Dir(f.at)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return false, fmt.Errorf("write the kubeconfig: %w", err)
	}
	if err := atomicfile.WriteSync(f.at, f.changed, 0o600); err != nil {
		return false, fmt.Errorf("write the kubeconfig: %w", err)
	}
	return true, nil
}
