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
	open := 0
	for _, c := range text {
		switch c {
		case '[', '{':
			if open++; open > maxNesting {
				return fmt.Errorf("toml: more than %d nested brackets", maxNesting)
			}
		case ']', '}':
			open = max(open-1, 0)
		}
	}
	return toml.Unmarshal(text, into)
}

// CheckTOML returns a *source.Error for the first mistake in the syntax of a file in TOML.
func CheckTOML(name string, text []byte) error {
	err := unmarshal(text, new(map[string]any))
	if err == nil {
		return nil
	}
	at := source.Position{File: name}
	if wrong := (*toml.DecodeError)(nil); errors.As(err, &wrong) {
		at.Line, at.Column = wrong.Position()
	}
	return &source.Error{Position: at, Message: "it is not TOML: " + strings.TrimPrefix(err.Error(), "toml: "), Err: err}
}
