package exit

import (
	"fmt"
	"strings"

	"github.com/slipway-ci/slipway/internal/source"
)

// maxFiles is how many files of a run an error names.
const maxFiles = 10

// ArtifactError says that a run succeeded and left no file that matches a pattern of its job's artifacts.
type ArtifactError struct {
	Job, UUID string
	// Missing are the artifacts without files, each NAME: PATTERN (FILE:LINE:COLUMN).
	Missing []string
	// Has are the files that the run has left.
	Has []string
}

// Error names the patterns, and what the run has left instead.
func (e *ArtifactError) Error() string {
	text := fmt.Sprintf("job %s: run %s succeeded, and no file of it matches artifacts %s", e.Job, e.UUID, strings.Join(e.Missing, ", "))
	if len(e.Has) == 0 {
		return text + "; it has left no files"
	}
	return text + "; it has left " + source.ShortenList(e.Has, maxFiles)
}
