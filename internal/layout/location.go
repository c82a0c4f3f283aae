// Package layout reads images on disk: OCI image layouts, as directories or in archives, and
// the archives of docker save. Nothing is unpacked, and every blob is verified by its digest.
package layout

import (
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Prefixes of the texts that name an image on disk, as in skopeo's oci:DIR.
const (
	directoryPrefix = "oci:"
	archivePrefix   = "archive:"
)

// Location says where an image on disk is.
type Location struct {
	// Path is absolute, or relative to the root of the source tree, and Archive says whether it
	// is a file.
	Path    string
	Archive bool
	// Digest is that of the image or index to take. If it is the zero value, the layout must
	// have only one.
	Digest v1.Hash
}

// Parse parses oci:DIR and archive:FILE.tar, both with or without @sha256:DIGEST at the end. It
// returns false for any other text.
func Parse(text string) (Location, bool) {
	var l Location
	rest, isDirectory := strings.CutPrefix(text, directoryPrefix)
	if !isDirectory {
		if rest, l.Archive = strings.CutPrefix(text, archivePrefix); !l.Archive {
			return l, false
		}
	}
	l.Path = rest
	if at := strings.LastIndex(rest, "@sha256:"); at >= 0 {
		if digest, err := v1.NewHash(rest[at+1:]); err == nil {
			l.Path, l.Digest = rest[:at], digest
		}
	}
	return l, true
}

// Inside reports whether a location's path is absolute, or stays inside the source tree as far
// as its text says.
func (l Location) Inside() bool {
	return filepath.IsAbs(l.Path) || filepath.IsLocal(filepath.FromSlash(l.Path))
}

// Error says what is wrong with an image on disk. Its text is the rest of a sentence that begins
// with the path.
type Error struct {
	Problem, Hint string
	Err           error
}

// Error implements error.
func (e *Error) Error() string {
	if e.Err != nil {
		return e.Problem + ": " + e.Err.Error()
	}
	return e.Problem
}

// Unwrap returns the reason, or nil.
func (e *Error) Unwrap() error { return e.Err }
