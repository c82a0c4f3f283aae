package file

// What the tests from outside look at.
const (
	MaxSize       = maxSize
	MaxNodes      = maxNodes
	MaxReferences = maxReferences
)

// Lines is lines.
var Lines = lines
