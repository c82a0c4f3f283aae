// Package dockerfile builds images from Dockerfiles with BuildKit. It can build whatever
// BuildKit can, and it does not need the docker command.
//
// The inputs of a Dockerfile build are not known without building: the tags of its base
// images move, and a RUN may read the network. So BuildKit is asked each time. It knows
// best what is unchanged, and with a warm cache it responds within a few tenths of a
// second.
package dockerfile

import (
	"fmt"
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

// defaultFile is the Dockerfile that is built if none is named.
const defaultFile = "Dockerfile"

// defaultPlatform is the platform of clusters, and the default of the other kinds of
// images.
const defaultPlatform = "linux/amd64"

// maxSecret is BuildKit's limit on the size of a secret in bytes:
// secretsprovider.MaxSecretSize of github.com/moby/buildkit.
const maxSecret = 500 << 10

// Spec describes the image to build.
type Spec struct {
	// Name is the image's name, for messages.
	Name string
	// Dir is the root of the source tree, and the context of the build.
	Dir string
	// File is the path of the Dockerfile relative to Dir, with slashes. The default is
	// Dockerfile. The rules of File.dockerignore apply, or else those of .dockerignore in
	// Dir.
	File string
	// Target is the stage to build. The default is the last one.
	Target string
	// BuildArgs are the values for ARG. They are visible in the image's history.
	BuildArgs map[string]string
	// Secrets are the values for RUN --mount=type=secret,id=ID, by id.
	Secrets map[string]secret.Value
	// Hidden are files, relative to Dir, that are not in the context, because secrets are read from
	// them.
	Hidden []string
	// SSH reports whether RUN --mount=type=ssh can use the agent at SSH_AUTH_SOCK of
	// Environ.
	SSH bool
	// Git reports whether the context includes the directory .git, without its hooks and
	// without its configuration, which often contains credentials.
	Git bool
	// Platforms are the platforms to build for, such as linux/arm64. The default is
	// linux/amd64. Several platforms make an index.
	Platforms []string
	// Created is the time of the image, and the latest time that a file in it can have. The
	// zero time means the Unix epoch. The digest depends on it, so it must be zero where
	// equal content should have equal digests.
	//
	// Python's bytecode contains the time of its source, and is stale when that time
	// changes. This is avoided if the Dockerfile has ARG SOURCE_DATE_EPOCH before it
	// installs packages: Python then uses hashes instead (PEP 552).
	Created time.Time
	// Labels are added to the image's config, Annotations to its manifests.
	Labels, Annotations map[string]string
	// At is the position of the image in the configuration.
	At source.Position
	// Environ is the environment. SSH_AUTH_SOCK is read from it.
	Environ []string
}

// Built is an image that was pushed to its registry.
type Built struct {
	// Digest is the digest of the manifest, or of the index if there are several platforms.
	Digest v1.Hash
	// Reference is the repository with the digest.
	Reference string
	// Steps is the number of steps of the build, and Cached the number of those that were
	// in BuildKit's cache.
	Steps, Cached int
	// Bases are the base images of the built stages, as references with digests, sorted.
	Bases []string
}

// BuildError is the error of a step of a Dockerfile that failed.
type BuildError struct {
	// At is the position of the instruction in the Dockerfile. Its path is relative to Dir.
	At source.Position
	// Step is the instruction as BuildKit names it, such as [stage 2/4] RUN make.
	Step string
	// Output is the end of the step's output.
	Output string
	// Err says how the step ended.
	Err error
}

// Error returns the position, the step, how it ended, and the end of its output.
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

// Unwrap returns how the step ended.
func (e *BuildError) Unwrap() error { return e.Err }

// normalized returns the spec with its defaults. It returns an error for an invalid spec before
// BuildKit is asked to build it.
func (s Spec) normalized() (Spec, error) {
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
		return s, unreadable(s.Name, s.Dir, clean, s.At, err)
	} else if !info.Mode().IsRegular() {
		return s, s.refuse("name the file in it", "%s is not a regular file", clean)
	}
	if len(s.Platforms) == 0 {
		s.Platforms = []string{defaultPlatform}
	}
	for n, text := range s.Platforms {
		parsed, err := v1.ParsePlatform(text)
		if err != nil || parsed.OS == "" || parsed.Architecture == "" || parsed.OSVersion != "" || strings.ContainsAny(text, ", ") {
			return s, s.refuse("write it like linux/amd64", "%q is not a valid platform", text)
		}
		if n == 0 {
			s.Platforms = slices.Clone(s.Platforms) // do not change the slice of the caller
		}
		s.Platforms[n] = parsed.String()
	}
	slices.Sort(s.Platforms)
	s.Platforms = slices.Compact(s.Platforms)
	for _, id := range slices.Sorted(maps.Keys(s.Secrets)) {
		if size := s.Secrets[id].Len(); size > maxSecret {
			return s, s.refuse("put large data elsewhere", "the secret %s has %d bytes, but BuildKit accepts at most %d", id, size, maxSecret)
		}
	}
	if s.SSH && lookup(s.Environ, "SSH_AUTH_SOCK") == "" {
		return s, s.refuse("start one: eval $(ssh-agent) && ssh-add", "it needs an SSH agent, but SSH_AUTH_SOCK is not set")
	}
	if s.Created.IsZero() {
		s.Created = time.Unix(0, 0)
	}
	return s, nil
}

func (s Spec) refuse(hint, format string, args ...any) error {
	return &source.Error{Position: s.At, Message: "image " + s.Name + ": " + fmt.Sprintf(format, args...), Hint: hint}
}

// lookup returns the value of a variable. The last one of a name counts, as in os/exec.
func lookup(environ []string, name string) string {
	for _, variable := range slices.Backward(environ) {
		if value, found := strings.CutPrefix(variable, name+"="); found {
			return value
		}
	}
	return ""
}
