package file

// These names are exported for the tests in package file_test.
const (
	MaxSize       = maxSize
	MaxNodes      = maxNodes
	MaxReferences = maxReferences
)

// Lines is the unexported lines.
var Lines = lines
