// Package image makes OCI images from a source tree and pushes them to a registry, without
// a container engine. An image is a function of its inputs: the same tree has the same
// digest on any machine, in any directory, at any time. What a registry already has is not
// sent again.
package image

import (
	"context"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/slipway-ci/slipway/internal/blobcache"
	"github.com/slipway-ci/slipway/internal/source"
)

// kindVersion is the version of the way images are made. Increase it when the same inputs
// produce other bytes. It is part of every fingerprint, so that no cache returns what an
// older version made.
const kindVersion = "4"

// Kinds of image that this package builds.
const (
	// KindGo is a Go program, optionally with files.
	KindGo = "go"
	// KindFiles is a set of files of the tree.
	KindFiles = "files"
	// KindPython is a base with Python, locked requirements, and files.
	KindPython = "python"
)

const (
	// defaultWorkdir is the directory for files, in which the image's program starts.
	defaultWorkdir = "/app"
	// programDir is the directory for the program of an image of kind go, whatever its
	// workdir is.
	programDir = "/app"
)

// Spec describes what an image is made of.
type Spec struct {
	// Name is the name of the image, below the registry's prefix.
	Name string
	// Dir is the root of the source tree.
	Dir string
	// Kind is KindGo, KindFiles or KindPython.
	Kind string
	// Main is the directory, relative to Dir, of the Go package to build, for KindGo.
	Main string
	// Base is the base image: a reference, a location as layout.Parse reads it, or apt:RELEASE for
	// a base that is made of Debian packages. "" and "scratch" stand for no base.
	Base string
	// OwnBase is the base by digest if it is an image of the same slipway.yaml, and nil
	// otherwise.
	OwnBase *name.Digest
	// Bases keeps what was read of bases in registries. The zero value keeps their documents and the
	// headers of their layers below Dir, and nothing else.
	Bases blobcache.Cache
	// Now returns the time, for the age of what Bases has. If nil, it is time.Now.
	Now func() time.Time
	// Requirements is the lock file for KindPython, relative to Dir. Python is the version
	// and Interpreter the path of the base's Python. If empty, they are read from the base.
	Requirements, Python, Interpreter string
	// Extras and Groups are optional dependencies of the lock. FromSource are packages to
	// build from source. Wheels is a directory relative to Dir. See wheel.Spec.
	Extras, Groups, FromSource []string
	Wheels                     string
	// System are the names of Debian packages to add to the base, for KindFiles and KindPython. Their
	// versions are in slipway.lock.
	System []string
	// SystemAt are the positions of these names in slipway.yaml. SystemMirrors are addresses that are
	// read in place of those of the base's apt sources, by their beginnings.
	SystemAt      map[string]source.Position
	SystemMirrors map[string]string
	// AptSources is a file with apt sources, relative to Dir, for bases that have none. If it is empty,
	// it is those below AptRoot, which is / if empty.
	AptSources, AptRoot string
	// UpgradeSystem moves the packages of System and of a base of packages to the newest versions. If FrozenSystem is set,
	// slipway.lock must already have them.
	UpgradeSystem, FrozenSystem bool
	// PositionOf, if not nil, returns the position at which slipway.yaml names a path of Files,
	// Main or Requirements, or its base.
	PositionOf func(path string) source.Position
	// Files are files and directories, relative to Dir. They are copied to the same paths
	// below Workdir.
	Files []string
	// Hidden are files, relative to Dir, that never go into the image, because slipway.yaml reads
	// secrets from them.
	Hidden []string
	// Workdir is an absolute path. If empty, it is /app.
	Workdir string
	// Owner is the owner of the files and of the directories made for them. The zero value
	// is root.
	Owner Owner
	// User is the user that the program runs as. If empty, it is the base's user.
	User string
	// Env replaces or adds to the variables of the base.
	Env map[string]string
	// Entrypoint, if empty, is the program for KindGo, and otherwise the base's entry
	// point.
	Entrypoint []string
	Command    []string
	// Platforms are the platforms that the image is for. If empty, it is linux/amd64.
	// Several platforms make an index with an image for each.
	Platforms []v1.Platform
	// Source is the URL of the repository, which is recorded in the image. The commit and
	// its time are not recorded, so that another commit with the same inputs makes the same
	// image, in any registry.
	Source string
	// At is the position in slipway.yaml that asks for the image.
	At source.Position
	// Environ is the environment. The go command, pip and uv get the variables they need.
	Environ []string
	// Notice, if not nil, is called with what the user should know about the image,
	// possibly from several goroutines at once.
	Notice func(Notice)
	// Watch, if not nil, wraps the transport for requests to package indexes.
	Watch func(http.RoundTripper) http.RoundTripper
	// ConfirmTags, if not nil, is called when all files of the image have been read, and
	// before its tags and attestations are written. It returns those tags that are still true:
	// that of a commit is not if the files have changed.
	ConfirmTags func(ctx context.Context, tags []string) []string

	// platform is the one of Platforms that a recipe is for.
	platform v1.Platform
}

// Owner is a numeric user ID and group ID.
type Owner struct{ User, Group int }

// now returns the time.
func (s Spec) now() time.Time {
	if s.Now == nil {
		return time.Now()
	}
	return s.Now()
}

// positionOf returns the position at which slipway.yaml names a path of the tree.
func (s Spec) positionOf(named string) source.Position {
	if s.PositionOf == nil {
		return s.At
	}
	return s.PositionOf(named)
}

// normalized returns the spec with its defaults, or a *source.Error if it is invalid.
func (s Spec) normalized() (Spec, error) {
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
	s.Platforms = sortedPlatforms(s.Platforms)
	s.platform = s.Platforms[0]
	for n, file := range s.Files {
		clean, why := cleanPath(file)
		if why != "" {
			return refuse("name files and directories by their path from the repository's root", "the file %q %s", file, why)
		}
		if n == 0 {
			s.Files = append([]string{}, s.Files...) // do not modify the caller's slice
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
		return refuse("use go, files or python", "kind %q is not supported", s.Kind)
	}
	return s, nil
}

// sortedPlatforms returns the platforms sorted by name without duplicates, or linux/amd64 if
// there are none.
func sortedPlatforms(platforms []v1.Platform) []v1.Platform {
	if len(platforms) == 0 {
		return []v1.Platform{{OS: "linux", Architecture: "amd64"}}
	}
	byName := func(a, b v1.Platform) int { return strings.Compare(a.String(), b.String()) }
	return slices.CompactFunc(slices.SortedFunc(slices.Values(platforms), byName), v1.Platform.Equals)
}

// forPlatform returns the spec for one of its platforms.
func (s Spec) forPlatform(platform v1.Platform) Spec {
	s.Platforms, s.platform = []v1.Platform{platform}, platform
	return s
}

// program returns the path of the binary in an image of kind go.
func (s Spec) program() string {
	name := path.Base(s.Main)
	if name == "." { // the repository's root, whose directory has another name in each clone
		name = path.Base(s.Name)
	}
	return path.Join(programDir, name)
}
