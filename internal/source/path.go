package source

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"
)

// ContentError reports that the content of a file was given in place of its path. It has no part of
// the content, which may be a secret.
type ContentError struct {
	// Name is what should be a path, such as KUBECONFIG.
	Name string
}

// Error implements error.
func (e *ContentError) Error() string {
	return e.Name + " has the content of a file, and not its path: write the content to a file (GitLab does so for a variable of type File), and give its path"
}

// CheckPath returns a *ContentError if path is the content of a file: if it has several lines or is
// JSON, or is such a text in base64. CI systems keep files as secrets, whose values people then set a
// variable to that should have a path. The system's errors would print it.
func CheckPath(path, name string) error {
	decoded, err := base64.StdEncoding.DecodeString(strings.TrimSpace(path))
	if isContent(path) || err == nil && utf8.Valid(decoded) && isContent(string(decoded)) {
		return &ContentError{Name: name}
	}
	return nil
}

func isContent(text string) bool {
	text = strings.TrimSpace(text)
	return strings.HasPrefix(text, "{") || strings.ContainsAny(text, "\r\n")
}
