// Package wheel makes the Python environment of an image from a lock. It finds the wheel of
// each package in the lock that fits the image's platform, and lays them out as a virtual
// environment. It needs neither a container engine nor root, and a machine of any platform
// can make the environment of any other. Nothing is unpacked to disk: files are read from
// the wheels when they are needed.
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

// formatVersion is part of every identity. It must be raised when equal wheels come to produce
// other files.
const formatVersion = "3"

// Spec describes the environment to make.
type Spec struct {
	// Name is the image's name, for errors.
	Name string
	// Dir is the repository's root. Lock is the path of the lock relative to it, with
	// slashes: uv.lock, poetry.lock, pylock.toml (or pylock.NAME.toml), or a requirements
	// file with hashes, whose name ends in .txt or .in. The lock and the files that it
	// includes must be inside of Dir.
	Dir, Lock string
	// Python is the version of the image's interpreter, such as 3.12 or 3.12.4. It is
	// required, except by Key.
	Python string
	// Libc is the image's C library. Without a name it is that of Debian 12.
	Libc rootfs.Libc
	// Platform is linux/amd64, the default, or linux/arm64.
	Platform string
	// Root is the directory of the environment in the image. The default is /opt/venv.
	Root string
	// Extras and Groups are the optional dependencies of the project to install, if the
	// lock has some. Dependencies for development only are installed only if they are named
	// here.
	Extras, Groups []string
	// FromSource are the names of packages that are built from their source distributions.
	FromSource []string
	// Wheels is a directory inside of Dir, relative to it. Wheels in it are used instead of
	// those that the lock allows.
	Wheels string
	// Interpreter is the path in the base image. The default is /usr/local/bin/python3.
	Interpreter string
	// CacheDir is the absolute path of the cache of downloads. It may be deleted at any
	// time.
	CacheDir string
	// Environ is the environment in which pip, uv and poetry are found. They are given only
	// those of its variables that they need: PIP_*, UV_*, POETRY_*, proxies, certificates
	// and the like.
	Environ []string
	// At is the position of the image in slipway.yaml.
	At source.Position
	// Progress, if not nil, is called with messages on the progress of downloads. Several
	// goroutines may call it at the same time.
	Progress func(string)
	// Early, if not nil, is called with the layer of each package that has its own layer,
	// as soon as its wheel is available and while others are downloaded. Several goroutines
	// may call it at the same time. The environment has the same layer unless another
	// package has files of the same names. Early is not called if there may be more than
	// MaxLayers layers.
	Early     func(Layer)
	MaxLayers int
	// Watch, if not nil, wraps the transport of requests to indexes.
	Watch func(http.RoundTripper) http.RoundTripper
	// Pause waits between retries. If it is nil, the clock is used.
	Pause func(context.Context, time.Duration) error
}

// Environment is a virtual environment for an image.
type Environment struct {
	// Packages are all installed packages, sorted by name.
	Packages []Package
	// Layers hold the files of the environment. No path is in two of them.
	Layers []Layer
	// Overlaps are the files that two packages have with different content, sorted by path.
	Overlaps []Overlap
	// Unmet is what the packages require and do not have, sorted by package. It is not looked for in a uv.lock or a
	// poetry.lock, whose tools leave out only what the project overrides.
	Unmet []Unmet
}

// Package is an installed package.
type Package struct {
	// Name is normalized as on the simple index, for example scikit-learn.
	Name string
	// Version is the version in the wheel's metadata.
	Version string
	// License is an SPDX expression if the package has one, otherwise the license that its
	// metadata names. It is empty if there is none.
	License string
	// SHA256 and Filename are those of the wheel, and Size is its length in bytes.
	SHA256, Filename string
	Size             int64
	// Unpacked is the total size in bytes of its files in the image.
	Unpacked int64
}

// Layer is a part of the environment that changes as a unit.
type Layer struct {
	// Name is the name of the only package in it, or small-0 to small-7, or venv.
	Name string
	// Fingerprint is the identity of the layer's files, in hexadecimal.
	Fingerprint string
	// Files are sorted by path.
	Files []File
}

// File is a file or symbolic link of the image. Its owner is root.
type File struct {
	// Path is absolute.
	Path string
	// Mode is 0644 or 0755. For a link it is fs.ModeSymlink with 0777.
	Mode fs.FileMode
	// Link is the target of a symbolic link, as written in the link.
	Link string
	// Size is the size of the content in bytes.
	Size int64
	// Open opens the content for reading. It is nil for a link. Open returns an error if
	// the wheel is no longer in the cache. Reading returns a *source.Error if the wheel is
	// damaged, or if the content does not have the hash in RECORD.
	Open func() (io.ReadCloser, error)
	// Deflated is the content as it is compressed in the wheel. It is nil if the content is
	// not in a wheel or not compressed there, and for wheels that were built here.
	Deflated *Deflated

	// sum is the SHA-256 of the content in hexadecimal. wheel is that of the wheel if the
	// file is packed as the wheel stores it, and empty otherwise.
	sum, wheel string
}

// Overlap is a file that two packages have with different content. Kept is the package that
// uv would install last, whose file is kept. Dropped is the other one.
type Overlap struct {
	Path, Kept, Dropped string
}

// IndexError is the error for a package index that cannot be reached or refuses a request.
// The lock is not at fault: the same command may succeed later, or with other credentials.
type IndexError struct {
	// Position is the position of the requirement in the lock.
	source.Position
	// Requirement is the requested package, as NAME==VERSION.
	Requirement string
	// Reason says what the index or the network did.
	Reason string
	// Hint says what the user can do.
	Hint string
}

// Error returns the position, the requirement, the reason and the hint.
func (e *IndexError) Error() string {
	return fmt.Sprintf("%s: download %s: %s (%s)", e.Position, e.Requirement, e.Reason, e.Hint)
}

// Resolve returns the environment that the lock describes. Wheels that are not in the cache
// are downloaded from the URLs in the lock, or from the indexes that pip is configured for.
// Files that are not found there, and unusual settings, are left to pip. If all wheels are
// in the cache, no program is started and no request is sent. All wheels that the lock
// names are verified against its hashes.
//
// An error in the lock, or in a package that it names, is a *source.Error at its line in
// the lock. An index that cannot be reached is an *IndexError. If ctx is done, running
// programs are killed and the context's error is returned.
func Resolve(ctx context.Context, s Spec) (*Environment, error) {
	s, target, err := s.normalized()
	if err != nil {
		return nil, err
	}
	format, err := s.format()
	if err != nil {
		return nil, err
	}
	if err := s.checkPython(target, format); err != nil {
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
	env, err := s.assemble(ctx, target, archives, ranks(order, archives))
	if err == nil && (format == requirementsFormat || format == pylockFormat) {
		env.Unmet = target.unmet(archives)
	}
	return env, err
}

// archives returns the wheels of the requirements, sorted by name. Each is opened as soon
// as it is available.
func (s Spec) archives(ctx context.Context, t target, needed []requirement, from *lockContent) ([]*archive, error) {
	p, err := s.split(t, needed)
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
	o := &opener{spec: s, target: t, early: s.Early != nil && len(needed)+sharedLayers < s.MaxLayers}
	for _, w := range slices.Concat(p.local, built) {
		if err := o.add(ctx, w); err != nil {
			return nil, err
		}
	}
	if err := s.fetch(ctx, t, p.index, from, o.add); err != nil {
		return nil, err
	}
	return o.sorted(), nil
}

// normalized returns the spec with its defaults, and the target.
func (s Spec) normalized() (Spec, target, error) {
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
		return refuse("use linux/amd64 or linux/arm64", "the platform %s is not supported for Python packages", s.Platform)
	case !plainPath(s.Root):
		return refuse("use a path such as /opt/venv", "%q is not a valid path of a virtual environment", s.Root)
	case !plainPath(s.Interpreter):
		return refuse("use a path such as /usr/local/bin/python3", "%q is not a valid path of an interpreter", s.Interpreter)
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

// plainPath reports whether name can be in the first line of a script. The kernel splits
// that line at blanks, and is sure to read only 127 bytes of it.
func plainPath(name string) bool {
	return path.IsAbs(name) && path.Clean(name) == name && name != "/" && len(name) <= 100 &&
		strings.IndexFunc(name, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"'\:`, r) }) < 0
}
