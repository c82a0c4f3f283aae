package wheel

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/slipway-ci/slipway/internal/source"
)

// lockContent is the content of a lock.
type lockContent struct {
	requirements []requirement
	// options are lines for pip that say where packages are, such as --index-url.
	options []string
	// indexes are the package indexes that a lock names, as URL or NAME=URL.
	indexes []string
	// defaultFirst reports whether the first index was the default one when the lock was
	// made.
	defaultFirst bool
	// lock is the uv.lock that the list is from, or nil for other formats.
	lock *lockFile
}

// readFile returns the content of a file of the repository by its path.
type readFile func(name string) ([]byte, error)

// maxIncludes is the limit on how deep files may include each other.
const maxIncludes = 20

// parseRequirements parses a requirements file of pip, and the files that it includes.
func parseRequirements(name string, read readFile) (*lockContent, error) {
	result := &lockContent{}
	return result, result.include(name, source.Position{}, read, nil)
}

func (l *lockContent) include(name string, from source.Position, read readFile, parents []string) error {
	if slices.Contains(parents, name) || len(parents) == maxIncludes {
		return source.Errorf(from, "%s includes itself", name)
	}
	text, err := read(name)
	if err != nil {
		if from.File == "" {
			return err
		}
		wrong := source.Errorf(from, "the file %s cannot be read: %w", name, err)
		wrong.Hint = "it must be a file in the repository"
		return wrong
	}
	if !utf8.Valid(text) {
		return &source.Error{Position: source.Position{File: name}, Message: "it is not UTF-8", Hint: howToLock}
	}
	for _, line := range splitLines(name, string(text)) {
		if strings.HasPrefix(line.text, "-") {
			if err := l.option(line, name, read, parents); err != nil {
				return err
			}
			continue
		}
		r, err := parseRequirement(line)
		if err != nil {
			return err
		}
		l.requirements = append(l.requirements, r)
	}
	return nil
}

// option parses a line that is an option. Options that say where packages are go to pip
// unchanged. pip expands ${NAME} in them, so that the file need not contain credentials.
func (l *lockContent) option(line line, name string, read readFile, parents []string) error {
	words := line.words(0)
	option, value, assigned := strings.Cut(words[0].text, "=")
	values := words[1:]
	if short := words[0].text; len(short) > 2 && short[1] != '-' { // -rfile
		option, value, assigned = short[:2], strings.TrimPrefix(short[2:], "="), true
	}
	if assigned {
		values = append([]word{{value, words[0].offset}}, values...)
	}
	refuse := func(hint, format string, args ...any) error {
		return &source.Error{Position: line.position(words[0].offset), Message: fmt.Sprintf(format, args...), Hint: hint}
	}
	takes := func(count int) error {
		if len(values) != count {
			return refuse("", "%s has %d values and takes %d", option, len(values), count)
		}
		return nil
	}
	switch option {
	case "-r", "--requirement":
		if err := takes(1); err != nil {
			return err
		}
		file := path.Join(path.Dir(name), values[0].text)
		return l.include(file, line.position(values[0].offset), read, append(slices.Clone(parents), name))
	case "-i", "--index-url", "--extra-index-url", "--trusted-host", "-f", "--find-links":
		if err := takes(1); err != nil {
			return err
		}
		if option == "-i" {
			option = "--index-url"
		}
		if option == "-f" || option == "--find-links" {
			option = "--find-links"
			if !strings.Contains(values[0].text, ":") && !path.IsAbs(values[0].text) {
				values[0].text = findLinksHere + path.Join(path.Dir(name), values[0].text)
			}
		}
		l.options = append(l.options, option+" "+values[0].text)
		return nil
	case "--no-index":
		l.options = append(l.options, option)
		return takes(0)
	case "--require-hashes", "--prefer-binary", "--pre":
		return takes(0) // true in any case
	case "--only-binary":
		return takes(1)
	case "-e", "--editable":
		return refuse("publish it as a wheel to an index, or add its directory to the image's files", "an editable requirement cannot be part of an image")
	case "-c", "--constraint":
		return refuse(howToLock, "constraints are for making a lock; a lock has none")
	case "--no-binary":
		return refuse("wheels are installed as they are: nothing is built", "%s requires a build", option)
	}
	hint := ""
	if near, ok := source.Nearest(option, []string{"--requirement", "--index-url", "--extra-index-url", "--find-links", "--no-index", "--trusted-host", "--hash"}); ok {
		hint = "did you mean " + near + "?"
	}
	return refuse(hint, "a lock does not support the option %s", option)
}

// findLinksHere is the prefix of a --find-links directory that is a path in the repository.
// No value that pip accepts begins with it.
const findLinksHere = "repository:"
