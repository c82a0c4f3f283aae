package actions

import (
	"errors"
	"strings"
	"testing"
)

// TestRefusingWriter writes texts in one piece and in single bytes.
func TestRefusingWriter(t *testing.T) {
	for text, written := range map[string]string{
		"a,b\n1,2\n":             "a,b\n1,2\n",
		"std::vector : :\n: :\n": "std::vector : :\n: :\n",
		"#[ # #[\x00\xff##":      "#[ # #[\x00\xff##",
		"::set-env name=x::y":    ":",
		"a\n\t ::error::x\n":     "a\n\t :",
		"a\r::error::x":          "a\r:",
		"\u00a0::error::":        "\u00a0:",
		"a ##[group]":            "a ##",
		"a ###[group]":           "a ###",
	} {
		for _, size := range []int{len(text), 1} {
			var b strings.Builder
			var err error
			w := &RefusingWriter{To: &b}
			for rest := text; rest != "" && err == nil; {
				_, err = w.Write([]byte(rest[:size]))
				rest = rest[size:]
			}
			if b.String() != written || (written != text) != errors.Is(err, ErrCommand) || ContainsCommand(text) != errors.Is(err, ErrCommand) {
				t.Errorf("%q: %q, %v", text, b.String(), err)
			}
		}
	}
}
