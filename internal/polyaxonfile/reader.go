package polyaxonfile

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/slipway-ci/slipway/internal/source"
)

// Reader reads Polyaxonfiles from disk, and what they refer to from disk and the
// network.
type Reader struct {
	// Transport does the requests of urlRef and hubRef; nil refuses both.
	Transport http.RoundTripper
	// Hub is the address of the component hub, "" for Polyaxon's public one.
	Hub string
	// Hosts are those that a urlRef may be redirected to, and that may have private
	// addresses.
	Hosts []string
	// Root is the directory that no file may lie outside of, not by a link either; ""
	// allows a Polyaxonfile to lie anywhere, and what it refers to in its repository.
	Root string
	// Held keeps what was read, so that a command reads each file once; nil reads it
	// each time.
	Held *Held
}

// Held are the texts of the files and addresses that were read, by name. What was
// checked is then what is sent, also when somebody edits the file meanwhile.
type Held struct {
	mu    sync.Mutex
	texts map[string][]byte
}

// NewHeld gives one that holds nothing yet.
func NewHeld() *Held { return &Held{texts: map[string][]byte{}} }

// once gives what read gave for a name the first time that it gave no error.
func (h *Held) once(name string, read func() ([]byte, error)) ([]byte, error) {
	if h == nil {
		return read()
	}
	h.mu.Lock()
	text, have := h.texts[name]
	h.mu.Unlock()
	if have {
		return text, nil
	}
	text, err := read()
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if first, have := h.texts[name]; have {
		return first, nil // two at the same time: the first one counts
	}
	h.texts[name] = text
	return text, nil
}

// read reads a file, which lies within root where that is not "".
func (r Reader) read(ctx context.Context, path, root string) ([]byte, error) {
	full, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	return r.Held.once(full, func() ([]byte, error) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if root == "" {
			return readRegular(nil, full)
		}
		return readWithin(root, full)
	})
}

// outsideError is a file that lies outside of the repository.
type outsideError struct{ root string }

// Error names the repository.
func (e *outsideError) Error() string { return "leads out of " + e.root }

// readWithin reads a file below root; links that lead out of it are refused.
func readWithin(root, full string) ([]byte, error) {
	base, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	inside, err := filepath.Rel(base, full)
	if err != nil || !filepath.IsLocal(inside) {
		return nil, &outsideError{root}
	}
	dir, err := os.OpenRoot(base)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	text, err := readRegular(dir, inside)
	if err != nil && strings.Contains(err.Error(), "path escapes") { // os has no name for it
		return nil, &outsideError{root}
	}
	return text, err
}

// readRegular reads a regular file up to one byte more than a Polyaxonfile may have.
func readRegular(root *os.Root, path string) ([]byte, error) {
	text, err := source.ReadFile(root, path, maxSize+1)
	var irregular *source.IrregularError
	if errors.As(err, &irregular) {
		return nil, irregular
	}
	return text, err
}

// repository gives the directory that what a file refers to lies in: that of its git
// repository or of its slipway.yaml, else the working directory when the file is below
// it, else its own.
func repository(path string) string {
	full, err := filepath.Abs(path)
	if err != nil {
		return filepath.Dir(path)
	}
	for _, sign := range []string{".git", "slipway.yaml"} {
		for dir := filepath.Dir(full); ; dir = filepath.Dir(dir) {
			if _, err := os.Stat(filepath.Join(dir, sign)); err == nil {
				return dir
			}
			if dir == filepath.Dir(dir) {
				break
			}
		}
	}
	if here, err := os.Getwd(); err == nil {
		if inside, err := filepath.Rel(here, full); err == nil && filepath.IsLocal(inside) {
			return here
		}
	}
	return filepath.Dir(full)
}

// fileError says why a file cannot be read, at the place that names it.
func fileError(at source.Position, err error) *source.Error {
	e := &source.Error{Position: at, Message: err.Error(), Err: err}
	var pathError *os.PathError
	var outside *outsideError
	switch {
	case errors.As(err, &outside):
		e.Hint = "move the file into the repository"
	case errors.Is(err, os.ErrNotExist):
		e.Message, e.Hint = "there is no such Polyaxonfile", "check the path; in slipway.yaml it starts at the repository's root, in a pathRef at its own file"
	case errors.As(err, &pathError):
		e.Message = pathError.Err.Error()
	}
	return e
}

// noComponent says of a file that a reference leads to why it is none, without a word
// of what is in it: it may be any file of the machine it was written on.
func noComponent(name string) string {
	return fmt.Sprintf("%s is no component: it has neither kind: component nor run at its top", name)
}
