// Package wheel makes the Python environment of an image out of a lock: each
// package that the lock names, as the wheel that fits the image's platform, laid
// out as a virtual environment. It needs neither a container engine nor root, and
// a machine of any platform makes the environment of any other. Nothing is
// unpacked to disk: the files are read from the wheels when they are wanted.
package wheel

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/rootfs"
	"github.com/slipway-ci/slipway/internal/source"
)

// edition is part of every identity: raise it when equal wheels come to give
// other files.
const edition = "3"

// Spec says which environment is wanted.
type Spec struct {
	// Name is the image's, for errors.
	Name string
	// Dir is the repository's root, and Lock the path of the lock from there, with
	// slashes: uv.lock, poetry.lock, pylock.toml (or pylock.NAME.toml), or a file
	// of requirements with hashes, whose name ends in .txt or .in. Neither it nor
	// a file that it includes may lie outside of Dir.
	Dir, Lock string
	// Python is the version of the image's interpreter, such as 3.12 or 3.12.4. Only
	// Key does without it.
	Python string
	// Libc is the image's C library; that of Debian 12 when it has no name.
	Libc rootfs.Libc
	// Platform is linux/amd64, which it is when empty, or linux/arm64.
	Platform string
	// Root is where the environment is in the image: /opt/venv when empty.
	Root string
	// Extras and Groups are optional dependencies of the project that are wanted, of a
	// lock that has some. Dependencies for development only are so when they are named.
	Extras, Groups []string
	// FromSource are packages that are built from their source distributions, by name.
	FromSource []string
	// Wheels is a directory below Dir that has wheels which are taken in the place of
	// those that the lock allows.
	Wheels string
	// Interpreter is the base image's: /usr/local/bin/python3 when empty.
	Interpreter string
	// CacheDir keeps what was downloaded. It may be deleted at any time.
	CacheDir string
	// Environ is the environment that pip, uv and poetry are found by, and of which
	// they see what is theirs: PIP_*, UV_*, POETRY_*, proxies and certificates.
	Environ []string
	// At is where slipway.yaml asks for the image.
	At source.Position
	// Progress, when not nil, is told how far the download of packages is, by several
	// goroutines.
	Progress func(string)
	// Early, when not nil, is given the layer of each package that has one of its own as
	// soon as its wheel is there, while others are downloaded, by several goroutines. Unless
	// another package has files of the same names, the environment has the same layer. It
	// is given none where there may be more than Room layers.
	Early func(Layer)
	Room  int
	// Watch, when not nil, wraps what carries requests to indexes.
	Watch func(http.RoundTripper) http.RoundTripper
	// Pause waits between attempts; by the clock when nil.
	Pause func(context.Context, time.Duration) error
}

// Environment is a virtual environment for an image.
type Environment struct {
	// Packages are all that are installed, by name.
	Packages []Package
	// Layers hold the environment. No path is in two of them.
	Layers []Layer
	// Overlaps are files that two packages bring with different content, by path.
	Overlaps []Overlap
}

// Package is one that is installed.
type Package struct {
	// Name is normalized as the simple index does it: scikit-learn.
	Name string
	// Version is the wheel's.
	Version string
	// License is an SPDX expression where the package has one, otherwise what it
	// says of its licence, and empty where it says nothing.
	License string
	// SHA256 and Filename are the wheel's, and Size is its length in bytes.
	SHA256, Filename string
	Size             int64
	// Unpacked is how many bytes its files have in the image.
	Unpacked int64
}

// Layer is a part of the environment that changes as one.
type Layer struct {
	// Name is that of the one package in it, or small-0 to small-7, or venv.
	Name string
	// Fingerprint is the identity of what is in the layer, in hexadecimal.
	Fingerprint string
	// Files are in order of their paths.
	Files []File
}

// File is one file or symbolic link of the image. It belongs to root.
type File struct {
	// Path is absolute.
	Path string
	// Mode is 0644 or 0755; of a link it is fs.ModeSymlink with 0777.
	Mode fs.FileMode
	// Link is where a symbolic link points to, as it is written in the link.
	Link string
	// Size is how many bytes Open gives.
	Size int64
	// Open gives the content; it is nil for a link. It fails when the wheel is no
	// longer in the cache, and reading fails when the wheel is damaged, or the content is
	// not what its RECORD says, which is a *source.Error.
	Open func() (io.ReadCloser, error)
	// Deflated is the content as the wheel has it; nil for what no wheel has so.
	Deflated *Deflated

	// sum is the SHA-256 of the content, and wheel that of the wheel where it is packed as
	// that has it, in hexadecimal.
	sum, wheel string
}

// Overlap is a file that two packages bring with different content. The one that uv
// would install last is kept.
type Overlap struct {
	Path, Kept, Dropped string
}

// IndexError is a package index that cannot be asked, or that refuses: no fault
// of the lock. The same command may succeed later, or with other credentials.
type IndexError struct {
	// Position is the requirement's in the lock.
	source.Position
	// Requirement is what was asked for.
	Requirement string
	// Reason says what the index or the network did.
	Reason string
	// Hint says what the user can do.
	Hint string
}

// Error gives all of it.
func (e *IndexError) Error() string {
	return fmt.Sprintf("%s: download %s: %s (%s)", e.Position, e.Requirement, e.Reason, e.Hint)
}

// Resolve gives the environment that the lock describes. Wheels that are not in
// the cache are downloaded from the addresses in the lock, or from the indexes that pip is
// set up for; what is not found there in a plain way is left to pip. When all are in the
// cache nothing is started and nobody is asked. All are verified against the hashes of the
// lock.
//
// What is wrong with the lock, or with a package in it, is a *source.Error at the
// line of the lock; an index that cannot be reached is an *IndexError. When ctx
// ends, a program that runs is ended at once and the context's error is given.
func Resolve(ctx context.Context, s Spec) (*Environment, error) {
	s, target, err := s.normal()
	if err != nil {
		return nil, err
	}
	list, err := s.requirements(ctx)
	if err != nil {
		return nil, err
	}
	needed, err := target.choose(list.requirements)
	if err != nil {
		return nil, err
	}
	archives, err := s.archives(ctx, target, needed, list)
	if err != nil {
		return nil, err
	}
	var order []string
	if list.lock != nil {
		order = list.lock.order(target, normalNames(s.Extras), normalNames(s.Groups))
	}
	return s.assemble(ctx, target, archives, ranks(order, archives))
}

// archives gives the wheel of each requirement, by name, opened as soon as it is there.
func (s Spec) archives(ctx context.Context, t target, needed []requirement, from *list) ([]*archive, error) {
	p, err := s.part(t, needed)
	if err != nil {
		return nil, err
	}
	if err := s.checkWheels(t, p.index); err != nil {
		return nil, err
	}
	built, err := s.build(ctx, t, p.source, from)
	if err != nil {
		return nil, err
	}
	o := &opening{spec: s, target: t, early: s.Early != nil && len(needed)+buckets < s.Room}
	for _, w := range slices.Concat(p.given, built) {
		if err := o.take(ctx, w); err != nil {
			return nil, err
		}
	}
	if err := s.fetch(ctx, t, p.index, from, o.take); err != nil {
		return nil, err
	}
	return o.sorted(), nil
}

// normal gives the spec with its defaults, and the target that it means.
func (s Spec) normal() (Spec, target, error) {
	refuse := func(hint, format string, args ...any) (Spec, target, error) {
		return s, target{}, &source.Error{Position: s.At, Message: "image " + s.Name + ": " + fmt.Sprintf(format, args...), Hint: hint}
	}
	if s.Platform == "" {
		s.Platform = "linux/amd64"
	}
	if s.Root == "" {
		s.Root = "/opt/venv"
	}
	if s.Interpreter == "" {
		s.Interpreter = "/usr/local/bin/python3"
	}
	t, ok := newTarget(s.Python, s.Platform, s.Libc)
	switch {
	case !t.pythonOK:
		return refuse("write it as 3.12", "%q is not a version of Python 3", s.Python)
	case !ok:
		return refuse("use linux/amd64 or linux/arm64", "there are no Python packages for the platform %s", s.Platform)
	case !plainPath(s.Root):
		return refuse("use a path such as /opt/venv", "%q cannot be the place of a virtual environment", s.Root)
	case !plainPath(s.Interpreter):
		return refuse("use a path such as /usr/local/bin/python3", "%q cannot be the path of an interpreter", s.Interpreter)
	case !filepath.IsLocal(filepath.FromSlash(s.Lock)):
		return refuse("name it by its path from the repository's root", "the lock %q is not in the repository", s.Lock)
	case s.Wheels != "" && !filepath.IsLocal(filepath.FromSlash(s.Wheels)):
		return refuse("name it by its path from the repository's root", "the directory of wheels %q is not in the repository", s.Wheels)
	case !filepath.IsAbs(s.CacheDir):
		return s, t, fmt.Errorf("the cache %q is not an absolute path", s.CacheDir)
	}
	s.Lock = path.Clean(filepath.ToSlash(s.Lock))
	return s, t, nil
}

// plainPath tells whether name can stand in the first line of a script, where the
// kernel splits at blanks and reads 127 bytes at least.
func plainPath(name string) bool {
	return path.IsAbs(name) && path.Clean(name) == name && name != "/" && len(name) <= 100 &&
		strings.IndexFunc(name, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"'\:`, r) }) < 0
}
