package wheel

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/source"
)

// format is the format of a lock.
type format int

const (
	requirementsFormat format = iota
	pylockFormat
	uvFormat
	poetryFormat
)

var pylockName = lazyregexp.New(`^pylock\.(?:[^.]+\.)?toml$`)

// format returns the format of the lock, which its file name determines.
func (s Spec) format() (format, error) {
	base := path.Base(s.Lock)
	switch {
	case base == "uv.lock":
		return uvFormat, nil
	case base == "poetry.lock":
		return poetryFormat, nil
	case pylockName.MatchString(base): // PEP 751
		return pylockFormat, nil
	case strings.HasSuffix(base, ".txt"), strings.HasSuffix(base, ".in"):
		return requirementsFormat, nil
	}
	hint := "name a uv.lock, a poetry.lock, a pylock.toml, or a requirements.txt with hashes"
	switch {
	case base == "Pipfile.lock", base == "Pipfile":
		hint = "it is pipenv's: run `pipenv requirements --hash > requirements.lock.txt`, and name that file"
	case base == "pyproject.toml":
		hint = "it is not a lock: run `uv lock` or `poetry lock`, and name the lock"
	case strings.HasPrefix(base, "environment.") || strings.HasPrefix(base, "conda"):
		hint = "it is conda's: list what PyPI has of it in a requirements.in, run `uv pip compile --generate-hashes requirements.in -o requirements.lock.txt`, and name that file; for what only conda has, use a Dockerfile"
	}
	return 0, &source.Error{Position: s.At, Message: fmt.Sprintf("image %s: %s is not a supported lock file", s.Name, s.Lock), Hint: hint}
}

// maxLock is the limit on the size in bytes of a lock. No known lock reaches it.
const maxLock = 256 << 20

// reader returns a function that reads files of the repository, and none outside of it.
func (s Spec) reader() readFile {
	return func(name string) ([]byte, error) {
		root, err := os.OpenRoot(s.Dir)
		if err != nil {
			return nil, err
		}
		defer root.Close()
		text, err := source.ReadFile(root, filepath.FromSlash(name), maxLock)
		if err != nil {
			var failed *fs.PathError
			if errors.As(err, &failed) {
				err = failed.Err // the message has the path as the user wrote it
			}
			if name == s.Lock {
				return nil, &source.Error{Position: s.At, Message: fmt.Sprintf("image %s: the lock %s cannot be read: %v", s.Name, name, err),
					Hint: "it must be a file in the repository", Err: err}
			}
		}
		return text, err
	}
}

// requirements returns the content of the lock.
func (s Spec) requirements(ctx context.Context) (*lockContent, error) {
	format, err := s.format()
	if err != nil {
		return nil, err
	}
	read := s.reader()
	switch format {
	case pylockFormat:
		return s.parsePylock(read)
	case uvFormat, poetryFormat:
		return s.export(ctx, format)
	}
	if err := s.checkExtrasAndGroups(nil, nil); err != nil {
		return nil, err
	}
	return parseRequirements(s.Lock, read)
}

// Key returns the identity of the environment that Resolve returns for the spec, in
// hexadecimal. Specs with equal keys have environments of equal bytes, as long as the
// indexes offer the same files out of those that the lock allows. Key reads only the lock,
// the files that it includes, the pyproject.toml beside a uv.lock or poetry.lock, and the
// directory of wheels. It sends no requests, so that an unchanged lock costs almost
// nothing. An error in the lock is a *source.Error.
//
// If the version of Python is not known, the key covers the whole lock, for all systems.
// With the same interpreter it identifies the same environment.
func Key(s Spec) (string, error) {
	unknown := s.Python == ""
	if unknown {
		s.Python = "3.0"
	}
	s, target, err := s.normalized()
	if err != nil {
		return "", err
	}
	format, err := s.format()
	if err != nil {
		return "", err
	}
	if unknown {
		target.full = "unknown"
	} else if err := s.checkPython(target, format); err != nil {
		return "", err
	}
	h := sha256.New()
	fmt.Fprintf(h, "environment/%s %q %q %q %q %q\n", formatVersion, target.full, target.libc, s.Platform, s.Root, s.Interpreter)
	fmt.Fprintf(h, "%q %q %q\n", normalNames(s.Extras), normalNames(s.Groups), normalNames(s.FromSource))
	shelf, err := s.localWheels()
	if err != nil {
		return "", err
	}
	for _, w := range shelf {
		fmt.Fprintf(h, "%s %s\n", w.file, w.sum)
	}
	if format == uvFormat || format == poetryFormat {
		text, err := s.exportInputs(format)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%d %s\n", format, text.key)
		return hex.EncodeToString(h.Sum(nil)), nil
	}
	list, err := s.requirements(context.Background()) // it only reads files
	if err != nil {
		return "", err
	}
	needed := list.requirements
	if unknown {
		needed = slices.Clone(needed)
		slices.SortFunc(needed, func(a, b requirement) int {
			return cmp.Or(strings.Compare(a.String(), b.String()), strings.Compare(a.condition, b.condition))
		})
	} else if needed, err = target.choose(needed); err != nil {
		return "", err
	}
	for _, r := range needed {
		condition := ""
		if unknown {
			condition = " ; " + r.condition
		}
		fmt.Fprintf(h, "%s %s %s%s\n", r.name, r.version, strings.Join(slices.Sorted(slices.Values(r.hashes)), ","), condition)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// packageLine returns the position of a package in a TOML lock, in which each table begins
// with the name.
func packageLine(file, text, name, version string) source.Position {
	at := source.Position{File: file}
	number, here := 0, 0
	for line := range strings.Lines(text) {
		number++
		key, value, _ := strings.Cut(line, "=")
		value = strings.Trim(strings.TrimSpace(value), `"'`)
		switch strings.TrimSpace(key) {
		case "name":
			if here = 0; normalName(value) == name {
				here = number
				if at.Line == 0 {
					at.Line, at.Column = number, 1
				}
			}
		case "version":
			if here > 0 && sameVersion(value, version) {
				return source.Position{File: file, Line: here, Column: 1}
			}
		}
	}
	return at
}

// sourceLine returns the position of a package in a TOML lock that is taken from a
// directory, a file or a URL.
func sourceLine(file, text, from string) source.Position {
	at := source.Position{File: file}
	name, number := 0, 0
	for line := range strings.Lines(text) {
		number++
		switch key, value, _ := strings.Cut(line, "="); strings.TrimSpace(key) {
		case "name":
			name = number
		case "source":
			if strings.Contains(value, `"`+from+`"`) {
				at.Line, at.Column = name, 1
				return at
			}
		}
	}
	return at
}
