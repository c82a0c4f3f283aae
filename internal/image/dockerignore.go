package image

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"

	"github.com/slipway-ci/slipway/internal/source"
)

// ignoreFile is the file in which a repository lists what images do not need, by the rules
// that Docker documents.
const ignoreFile = ".dockerignore"

// ignored holds the patterns of a repository's .dockerignore. A nil *ignored has none.
type ignored struct {
	matcher *patternmatcher.PatternMatcher
}

// readIgnored reads the patterns at the root of a tree.
func readIgnored(root *os.Root) (*ignored, error) {
	file, err := source.Open(root, ignoreFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if irregular := new(source.IrregularError); errors.As(err, &irregular) {
		return nil, &source.Error{Position: source.Position{File: ignoreFile}, Message: irregular.Error(), Err: err}
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", ignoreFile, cause(err))
	}
	defer file.Close()
	patterns, err := ignorefile.ReadAll(file)
	if err == nil && len(patterns) > 0 {
		var matcher *patternmatcher.PatternMatcher
		if matcher, err = patternmatcher.New(patterns); err == nil {
			return &ignored{matcher}, nil
		}
	}
	if err != nil {
		return nil, &source.Error{Position: source.Position{File: ignoreFile}, Message: "it is not a valid .dockerignore: " + err.Error(), Hint: "see Docker's documentation of .dockerignore", Err: err}
	}
	return nil, nil
}

// matches reports whether a path, with slashes, is ignored.
func (i *ignored) matches(path string) bool {
	if i == nil {
		return false
	}
	found, err := i.matcher.MatchesOrParentMatches(path)
	return err == nil && found
}

// ignoresAllBelow reports whether everything below an ignored directory is ignored too,
// because no pattern re-includes anything.
func (i *ignored) ignoresAllBelow() bool { return !i.matcher.Exclusions() }
