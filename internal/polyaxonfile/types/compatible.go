package types

import "slices"

// Compatible reports whether an output of one type may be passed to an input of another
// type, from one run to the next. Polyaxon accepts the same type, and the types that hold
// text for each other.
func Compatible(input, output string) bool {
	texts := []string{"str", "path", "s3", "gcs", "wasb"}
	return input == output || slices.Contains(texts, input) && slices.Contains(texts, output)
}
