package types

import "slices"

// Compatible tells whether what has one type may be passed to an input of another
// one, from a run to the next: Polyaxon takes the same type, and the types of text
// for each other.
func Compatible(input, output string) bool {
	texts := []string{"str", "path", "s3", "gcs", "wasb"}
	return input == output || slices.Contains(texts, input) && slices.Contains(texts, output)
}
