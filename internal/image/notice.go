package image

import (
	"fmt"
	"slices"
	"strings"
)

// Level says how much a Notice matters.
type Level int

// The levels of notices.
const (
	// Detail is what goes on.
	Detail Level = iota
	// Step is a part of the work that begins, and how far it is.
	Step
	// Note is what the user should know.
	Note
	// Warning is what the user should look at.
	Warning
)

// Notice is something about an image that does not keep it from being built.
type Notice struct {
	Level Level
	Text  string
}

// tell gives a notice to whoever wants it.
func (s Spec) tell(level Level, format string, args ...any) {
	if s.Notice != nil {
		s.Notice(Notice{level, fmt.Sprintf(format, args...)})
	}
}

// CredentialNotices tell of files of a tree that often hold secrets and are in an image,
// and of keys and credentials that are not, though they were asked for.
func CredentialNotices(image string, secrets, left []string) []Notice {
	var all []Notice
	if len(secrets) > 0 {
		all = append(all, Notice{Warning, fmt.Sprintf("image %s has %s, which often holds secrets: whoever can pull the image can read it; leave it out by .dockerignore, and hand values to the job as secrets",
			image, strings.Join(secrets, ", "))})
	}
	if len(left) > 0 {
		left = slices.Compact(slices.Sorted(slices.Values(left)))
		all = append(all, Notice{Note, fmt.Sprintf("image %s is without %s: private keys and credentials never go into an image; hand them to the job as secrets", image, strings.Join(left, ", "))})
	}
	return all
}
