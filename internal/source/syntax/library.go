package syntax

import (
	"strconv"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

var libraryLine = lazyregexp.New(`^yaml: (?:line (\d+): )?(.*)`)

// Split splits an error of the YAML library into its line, from 1, and its message. The
// line is 0 if the error does not have one. The library has no type for errors of syntax:
// the line is only in their text.
func Split(err error) (line int, message string) {
	m := libraryLine.FindStringSubmatch(err.Error())
	if m == nil {
		return 0, err.Error()
	}
	line, _ = strconv.Atoi(m[1])
	return line, m[2]
}
