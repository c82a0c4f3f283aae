// Package dockerfile builds images from Dockerfiles with BuildKit: whatever
// BuildKit can build, this package can, and it needs no docker command.
//
// What a Dockerfile build is made of cannot be known without building: the tags of
// its bases move, and a RUN may read the network. BuildKit is therefore asked each
// time; it knows best what is unchanged, and with a warm cache its answer takes a
// few tenths of a second.
package dockerfile

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/internal/source"
)

// defaultFile is the Dockerfile that is built when none is named.
const defaultFile = "Dockerfile"

// defaultPlatform is that of the clusters; images of the other kinds have it too.
const defaultPlatform = "linux/amd64"

// maxSecret is the most that BuildKit takes as one secret, in bytes:
// secretsprovider.MaxSecretSize of github.com/moby/buildkit.
const maxSecret = 500 << 10

// Spec says what is built.
type Spec struct {
	// Name is that of the image, for messages.
	Name string
	// Dir is the root of the source tree, and the context of the build.
	Dir string
	// File is the Dockerfile, below Dir, with slashes; Dockerfile when empty. The
	// rules of File.dockerignore are heeded, or else those of .dockerignore in Dir.
	File string
	// Target is the stage to build; the last when empty.
	Target string
	// BuildArgs are values for ARG. They can be read in the image's history.
	BuildArgs map[string]string
	// Secrets are values by their id, for RUN --mount=type=secret,id=ID.
	Secrets map[string]secret.Value
	// SSH offers the agent at SSH_AUTH_SOCK of Environ to RUN --mount=type=ssh.
	SSH bool
	// Git lets the context have the directory .git, without what is in its configuration
	// (credentials, often) and its hooks.
	Git bool
	// Platforms are such as linux/arm64; linux/amd64 when there are none. Several
	// make an index.
	Platforms []string
	// Created is the image's time, and the latest that a file in it may have; the
	// zero time stands for the Unix epoch. The digest depends on it: leave it zero
	// where equal content is to have equal digests.
	//
	// Python's byte code has its source's time in it, and is stale when that time
	// is changed, unless the Dockerfile says ARG SOURCE_DATE_EPOCH before it
	// installs packages: Python then goes by their hash (PEP 552).
	Created time.Time
	// Labels go into the image's configuration, Annotations into its manifests.
	Labels, Annotations map[string]string
	// At is where the configuration asks for the image.
	At source.Position
	// Environ is the environment: SSH_AUTH_SOCK.
	Environ []string
}

// Built is an image that is in its registry.
type Built struct {
	// Digest is that of the manifest, or of the index when there are several
	// platforms.
	Digest v1.Hash
	// Reference is the repository with the digest.
	Reference string
	// Steps is how many steps the build had, Cached how many of them BuildKit had
	// done before.
	Steps, Cached int
	// Bases are the images that the stages which were built begin with, each by its
	// digest, by name.
	Bases []string
}

// BuildError is a step of a Dockerfile that failed.
type BuildError struct {
	// At is the instruction in the Dockerfile, its path relative to the tree's root.
	At source.Position
	// Step is the instruction as BuildKit names it: [stage 2/4] RUN make.
	Step string
	// Output is the end of what the step wrote.
	Output string
	// Err says how the step ended.
	Err error
}

// Error gives the place, the step and the end of its output.
func (e *BuildError) Error() string {
	var b strings.Builder
	if at := e.At.String(); at != "" {
		b.WriteString(at + ": ")
	}
	if e.Step != "" {
		b.WriteString(e.Step + ": ")
	}
	fmt.Fprint(&b, e.Err)
	if e.Output != "" {
		b.WriteString("\n" + strings.TrimRight(e.Output, "\n"))
	}
	return b.String()
}

// Unwrap gives how the step ended.
func (e *BuildError) Unwrap() error { return e.Err }

// normal gives the spec with its defaults, and refuses one that makes no sense
// before anybody is asked to build it.
func (s Spec) normal() (Spec, error) {
	if s.File == "" {
		s.File = defaultFile
	}
	clean := path.Clean(filepath.ToSlash(s.File))
	if !filepath.IsLocal(filepath.FromSlash(clean)) || clean == "." {
		return s, s.refuse("name it by its path from the repository's root", "the Dockerfile %q is not in the repository", s.File)
	}
	s.File = clean
	root, err := os.OpenRoot(s.Dir)
	if err != nil {
		return s, fmt.Errorf("read the tree of image %s: %w", s.Name, err)
	}
	defer root.Close()
	if info, err := root.Stat(filepath.FromSlash(clean)); err != nil {
		return s, s.missing(root, clean, err)
	} else if !info.Mode().IsRegular() {
		return s, s.refuse("name the file in it", "%s is no file", clean)
	}
	if len(s.Platforms) == 0 {
		s.Platforms = []string{defaultPlatform}
	}
	for n, text := range s.Platforms {
		parsed, err := v1.ParsePlatform(text)
		if err != nil || parsed.OS == "" || parsed.Architecture == "" || parsed.OSVersion != "" || strings.ContainsAny(text, ", ") {
			return s, s.refuse("write it like linux/amd64", "the platform %q is none", text)
		}
		if n == 0 {
			s.Platforms = slices.Clone(s.Platforms) // the caller's stay as they are
		}
		s.Platforms[n] = parsed.String()
	}
	slices.Sort(s.Platforms)
	s.Platforms = slices.Compact(s.Platforms)
	for _, id := range slices.Sorted(maps.Keys(s.Secrets)) {
		if size := s.Secrets[id].Len(); size > maxSecret {
			return s, s.refuse("put large data elsewhere", "the secret %s has %d bytes, and BuildKit takes %d", id, size, maxSecret)
		}
	}
	if s.SSH && lookup(s.Environ, "SSH_AUTH_SOCK") == "" {
		return s, s.refuse("start one: eval $(ssh-agent) && ssh-add", "it wants an SSH agent, and SSH_AUTH_SOCK names none")
	}
	if s.Created.IsZero() {
		s.Created = time.Unix(0, 0)
	}
	return s, nil
}

// missing says that the Dockerfile cannot be read, and which file may be meant.
func (s Spec) missing(root *os.Root, file string, err error) error {
	hint := ""
	siblings, _ := fs.ReadDir(root.FS(), path.Dir(file))
	names := make([]string, len(siblings))
	for n, sibling := range siblings {
		names[n] = sibling.Name()
	}
	if near, ok := source.Nearest(path.Base(file), names); ok {
		hint = "did you mean " + path.Join(path.Dir(file), near) + "?"
	}
	return &source.Error{Position: s.At, Message: fmt.Sprintf("image %s: the Dockerfile %s cannot be read", s.Name, file), Hint: hint, Err: err}
}

func (s Spec) refuse(hint, format string, args ...any) error {
	return &source.Error{Position: s.At, Message: "image " + s.Name + ": " + fmt.Sprintf(format, args...), Hint: hint}
}

// lookup gives a variable's value; the last of a name counts, as in os/exec.
func lookup(environ []string, name string) string {
	for _, variable := range slices.Backward(environ) {
		if value, found := strings.CutPrefix(variable, name+"="); found {
			return value
		}
	}
	return ""
}
