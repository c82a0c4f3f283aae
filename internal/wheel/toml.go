package wheel

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/slipway-ci/slipway/internal/source"
)

// maxNesting is the limit on open brackets in a TOML document. The parser recurses for each
// of them, and a stack overflow ends the program.
const maxNesting = 10_000

// unmarshal parses a TOML document.
func unmarshal(text []byte, into any) error {
	if nestsTooDeep(text) {
		return fmt.Errorf("toml: more than %d nested brackets", maxNesting)
	}
	return toml.Unmarshal(text, into)
}

// nestsTooDeep reports whether a document may have more open brackets than maxNesting.
func nestsTooDeep(text []byte) bool {
	open := 0
	for _, c := range text {
		switch c {
		case '[', '{':
			if open++; open > maxNesting {
				return true
			}
		case ']', '}':
			open = max(open-1, 0)
		}
	}
	return false
}

// CheckTOML returns a *source.Error for the first mistake in the syntax of a file in TOML.
func CheckTOML(name string, text []byte) error {
	if err := unmarshal(text, new(map[string]any)); err != nil {
		return notTOML(name, "it is not TOML", "", err)
	}
	return nil
}

// notTOML returns the error of unmarshal for a file, at its position.
func notTOML(name, what, hint string, err error) *source.Error {
	at := source.Position{File: name}
	if wrong := (*toml.DecodeError)(nil); errors.As(err, &wrong) {
		at.Line, at.Column = wrong.Position()
	}
	return &source.Error{Position: at, Message: what + ": " + strings.TrimPrefix(err.Error(), "toml: "), Hint: hint, Err: err}
}
