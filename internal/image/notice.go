package image

import (
	"fmt"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/registry"
)

// Level says how much a Notice matters.
type Level int

// The levels of notices.
const (
	// Begin is the work on the image that begins.
	Begin Level = iota
	// Detail is what goes on.
	Detail
	// Log is a line of what a step of the work says.
	Log
	// Moving is how far it is with what is being sent.
	Moving
	// Step is a part of the work that begins, and how far it is.
	Step
	// Note is what the user should know.
	Note
	// Warning is what the user should look at.
	Warning
	// Failed is where the work ended; the error says why.
	Failed
)

// Notice is what there is to tell of an image while it is built.
type Notice struct {
	Level Level
	Text  string
	// Progress is that of Moving.
	Progress registry.Progress
}

// Tell gives a notice to whoever wants it.
func (s Spec) Tell(level Level, format string, args ...any) {
	if s.Notice != nil {
		s.Notice(Notice{Level: level, Text: fmt.Sprintf(format, args...)})
	}
}

// CredentialNotices tell of files of a tree that often hold secrets and are in an image,
// and of keys and credentials that are not, though they were asked for.
func CredentialNotices(image string, secrets, left []string) []Notice {
	var all []Notice
	if len(secrets) > 0 {
		all = append(all, Notice{Level: Warning, Text: fmt.Sprintf("image %s has %s, which often holds secrets: whoever can pull the image can read it; leave it out by .dockerignore, and hand values to the job as secrets",
			image, strings.Join(secrets, ", "))})
	}
	if len(left) > 0 {
		left = slices.Compact(slices.Sorted(slices.Values(left)))
		all = append(all, Notice{Level: Note, Text: fmt.Sprintf("image %s is without %s: private keys and credentials never go into an image; hand them to the job as secrets", image, strings.Join(left, ", "))})
	}
	return all
}
