package image

import (
	"fmt"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/registry"
)

// Level is the importance of a Notice.
type Level int

// Levels of notices.
const (
	// Begin says that work on the image begins.
	Begin Level = iota
	// Detail describes what is being done.
	Detail
	// Log is a line of the output of a step.
	Log
	// Uploading reports the progress of an upload.
	Uploading
	// Step says that a part of the work begins, or how far it is.
	Step
	// Note is something the user should know.
	Note
	// Warning is something the user should check.
	Warning
	// Failed says at which point the work ended. The returned error says why.
	Failed
)

// Notice is a message about an image while it is built.
type Notice struct {
	Level Level
	Text  string
	// Progress is set if Level is Uploading.
	Progress registry.Progress
}

// Notify sends a notice to s.Notice, if it is not nil.
func (s Spec) Notify(level Level, format string, args ...any) {
	if s.Notice != nil {
		s.Notice(Notice{Level: level, Text: fmt.Sprintf(format, args...)})
	}
}

// CredentialNotices returns notices about files in an image that often hold secrets, and
// about keys and credentials that were asked for and left out.
func CredentialNotices(image string, secrets, left []string) []Notice {
	var all []Notice
	if len(secrets) > 0 {
		all = append(all, Notice{Level: Warning, Text: fmt.Sprintf("image %s has %s, which often holds secrets: anyone who can pull the image can read it; exclude it in .dockerignore, and pass the values to the job as secrets",
			image, strings.Join(secrets, ", "))})
	}
	if len(left) > 0 {
		left = slices.Compact(slices.Sorted(slices.Values(left)))
		all = append(all, Notice{Level: Note, Text: fmt.Sprintf("image %s does not include %s: private keys and credentials are never added to an image; pass them to the job as secrets", image, strings.Join(left, ", "))})
	}
	return all
}
