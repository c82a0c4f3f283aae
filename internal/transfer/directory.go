package transfer

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
)

// parseVolume reads the part of an address that follows volume:.
func parseVolume(text, dir string) (Place, error) {
	below, absolute := strings.CutPrefix(dir, "/")
	if !absolute {
		return Place{}, &NameError{Name: text, Problem: "is not a place in the volume: begin its path with a slash, such as volume:/raw"}
	}
	p := Place{Text: text, Dir: path.Clean(below), InVolume: true}
	if p.Dir != "." {
		if problem := fileProblem(strings.TrimSuffix(below, "/")); problem != "" {
			return Place{}, &NameError{Name: text, Problem: problem}
		}
	}
	return p, nil
}

// open opens the directory of a place, and creates it if create is set. The error is fs.ErrNotExist if it is
// not there. Links that jobs made in a volume do not lead out of it.
func (p Place) open(create bool) (*os.Root, error) {
	if !p.InVolume {
		root, err := os.OpenRoot(p.Dir)
		if create && errors.Is(err, fs.ErrNotExist) {
			if err = os.MkdirAll(p.Dir, 0o755); err == nil {
				root, err = os.OpenRoot(p.Dir)
			}
		}
		return root, err
	}
	volume, err := os.OpenRoot(p.Volume)
	if err != nil {
		return nil, err
	}
	defer volume.Close()
	root, err := volume.OpenRoot(p.Dir)
	if create && errors.Is(err, fs.ErrNotExist) {
		if err = volume.MkdirAll(p.Dir, 0o755); err == nil {
			root, err = volume.OpenRoot(p.Dir)
		}
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, &NameError{p.Text, fmt.Sprintf("cannot be opened as a directory of the volume: %v", cause(err))}
	}
	return root, err
}

// key names the directory for the cache of checksums.
func (p Place) key() string {
	if p.ByShell() {
		return p.Shell.Name() + "\x00" + p.Dir
	}
	if p.InVolume {
		return p.Volume + "\x00" + p.Dir
	}
	return p.Dir
}

// cause returns what a system said, without the path that the user did not give.
func cause(err error) error {
	if at := new(fs.PathError); errors.As(err, &at) {
		return at.Err
	}
	return err
}
