package wheel

import (
	"fmt"

	"github.com/pelletier/go-toml/v2"
)

// maxNesting is how many brackets may be open in a TOML document. Its parser calls
// itself for each, and a stack that overflows ends the program.
const maxNesting = 10_000

// unmarshal reads a TOML document.
func unmarshal(text []byte, into any) error {
	open := 0
	for _, c := range text {
		switch c {
		case '[', '{':
			if open++; open > maxNesting {
				return fmt.Errorf("toml: more than %d brackets are open", maxNesting)
			}
		case ']', '}':
			open = max(open-1, 0)
		}
	}
	return toml.Unmarshal(text, into)
}
