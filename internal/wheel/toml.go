package wheel

import (
	"fmt"

	"github.com/pelletier/go-toml/v2"
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
