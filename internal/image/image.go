// Package image makes OCI images of a source tree and pushes them to a registry,
// without a container engine. An image is a function of its inputs: the same
// tree gives the same digest on any machine, in any directory, at any time; and
// what a registry has already is not sent again.
package image

import (
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/slipway-ci/slipway/internal/source"
)

// kindVersion is raised when the same inputs are made into other bytes. It is
// part of every fingerprint, so that no cache gives what an older version made.
const kindVersion = "4"

// The kinds of image that this package builds.
const (
	// KindGo is a Go program, and files beside it.
	KindGo = "go"
	// KindFiles is files of the tree.
	KindFiles = "files"
	// KindPython is a base's Python with locked requirements, and files.
	KindPython = "python"
)

const (
	// defaultWorkdir is where files go, and where the image's program starts.
	defaultWorkdir = "/app"
	// programs is where the program of an image of kind go goes, whatever its
	// workdir is.
	programs = "/app"
)

// Spec says what an image is made of.
type Spec struct {
	// Name is that of the image, below the registry's prefix.
	Name string
	// Dir is the root of the source tree.
	Dir string
	// Kind is KindGo, KindFiles or KindPython.
	Kind string
	// Main is the directory of the Go package to build, below Dir, for KindGo.
	Main string
	// Base is a reference; "" or "scratch" for none.
	Base string
	// Requirements is the lock of KindPython, below Dir. Python is the version of the
	// base's Python, and Interpreter its path; empty for what the base says.
	Requirements, Python, Interpreter string
	// Extras and Groups are optional dependencies of the lock, FromSource are packages that
	// are built, and Wheels is a directory below Dir: as in wheel.Spec.
	Extras, Groups, FromSource []string
	Wheels                     string
	// Place, when not nil, gives where slipway.yaml names a path of the tree, as Files,
	// Main and Requirements have it.
	Place func(path string) source.Position
	// Files are files and directories below Dir that go below Workdir, where they
	// keep their paths.
	Files []string
	// Workdir is an absolute path; /app when empty.
	Workdir string
	// Owner has the files, and the directories that are made for them; root when
	// zero.
	Owner Owner
	// User is the one that the program runs as; the base's when empty.
	User string
	// Env lies over the base's variables.
	Env map[string]string
	// Entrypoint is the program of KindGo, or the base's, when empty.
	Entrypoint []string
	Command    []string
	// Platforms are those that the image is for; linux/amd64 when there are none.
	// Several make an index, with an image for each.
	Platforms []v1.Platform
	// Source is the repository's address, which is noted in the image. Neither the
	// commit nor its time is: another commit with the same inputs makes the same
	// image, in any registry.
	Source string
	// At is where the configuration asks for the image.
	At source.Position
	// Environ is the environment, of which the go command, pip and uv get what they
	// need.
	Environ []string
	// Notice, when not nil, is told what the user should know of the image. It may be
	// called by several goroutines.
	Notice func(Notice)
	// Watch, when not nil, wraps what carries requests to package indexes.
	Watch func(http.RoundTripper) http.RoundTripper

	// platform is the one of Platforms that a recipe is for.
	platform v1.Platform
}

// Owner is a user and a group, by number.
type Owner struct{ User, Group int }

// place is where slipway.yaml names a path of the tree.
func (s Spec) place(named string) source.Position {
	if s.Place == nil {
		return s.At
	}
	return s.Place(named)
}

// normal gives the spec with its defaults, and refuses one that makes no sense.
func (s Spec) normal() (Spec, error) {
	refuse := func(hint, format string, args ...any) (Spec, error) {
		return s, &source.Error{Position: s.At, Message: "image " + s.Name + ": " + fmt.Sprintf(format, args...), Hint: hint}
	}
	if s.Workdir == "" {
		s.Workdir = defaultWorkdir
	}
	if !path.IsAbs(s.Workdir) || strings.ContainsRune(s.Workdir, 0) {
		return refuse("start it with /", "the workdir %q is not an absolute path", s.Workdir)
	}
	s.Workdir = path.Clean(s.Workdir)
	if isWhiteout(s.Workdir) || isWhiteout(s.Main) {
		return refuse("choose another name", "a name that begins with %s deletes files of the base: %s", whiteout, strings.TrimSpace(s.Workdir+" "+s.Main))
	}
	s.Platforms = ordered(s.Platforms)
	s.platform = s.Platforms[0]
	for n, file := range s.Files {
		clean, why := cleanPath(file)
		if why != "" {
			return refuse("name files and directories by their path from the repository's root", "the file %q %s", file, why)
		}
		if n == 0 {
			s.Files = append([]string{}, s.Files...) // the caller's stay as they are
		}
		s.Files[n] = clean
	}
	switch s.Kind {
	case KindFiles:
		if len(s.Files) == 0 {
			return refuse("list them under files", "it has no files")
		}
	case KindGo:
		clean, why := cleanPath(s.Main)
		if why != "" {
			return refuse("name the directory of a Go package, such as ./cmd/train", "the package %q %s", s.Main, why)
		}
		s.Main = clean
		if len(s.Entrypoint) == 0 {
			s.Entrypoint = []string{s.program()}
		}
	case KindPython:
		if s.Base == "" || s.Base == "scratch" {
			return refuse("name one that has Python, such as python:3.12-slim", "it has no base")
		}
		if s.Requirements == "" {
			return refuse("name a requirements.txt with hashes, uv.lock, poetry.lock or pylock.toml", "it has no requirements")
		}
	default:
		return refuse("use go, files or python", "kind %q cannot be built", s.Kind)
	}
	return s, nil
}

// ordered gives each platform once, by name; linux/amd64 when there are none.
func ordered(platforms []v1.Platform) []v1.Platform {
	if len(platforms) == 0 {
		return []v1.Platform{{OS: "linux", Architecture: "amd64"}}
	}
	byName := func(a, b v1.Platform) int { return strings.Compare(a.String(), b.String()) }
	return slices.CompactFunc(slices.SortedFunc(slices.Values(platforms), byName), v1.Platform.Equals)
}

// on gives the spec for one of its platforms.
func (s Spec) on(platform v1.Platform) Spec {
	s.Platforms, s.platform = []v1.Platform{platform}, platform
	return s
}

// program is where the binary of an image of kind go goes.
func (s Spec) program() string {
	name := path.Base(s.Main)
	if name == "." { // the repository's root, whose directory has another name in each clone
		name = path.Base(s.Name)
	}
	return path.Join(programs, name)
}
