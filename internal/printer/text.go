// Package printer prints a Result as text, JSON, Markdown or SARIF, and events as lines or
// as a live view of the active steps.
package printer

import (
	"io"
	"strings"

	"github.com/slipway-ci/slipway/internal/logline"
	"github.com/slipway-ci/slipway/tasks/report"
)

// Text writes the results in r for users. Steps and errors are not part of it, as events
// have already reported them.
func Text(w io.Writer, r *report.Result, on Page) error {
	out := &page{Page: on, terminal: on.Columns > 0}
	if !out.terminal {
		out.Columns = unknownWidth
	}
	if r.Text != "" {
		out.WriteString(r.Text)
		if !strings.HasSuffix(r.Text, "\n") {
			out.WriteString("\n")
		}
	}
	for _, section := range []func(*page, *report.Result){
		textProblems, textChecks, textImages, textSecrets, textVolumes, textData, textCluster, textJobs, textManifests, textServed, textRuns, textComparison, textArtifacts, textObjects, textTransfer, textSandbox, textCredentials, textInit, textDashboards,
	} {
		section(out, r)
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// EscapeLines returns text from a server so that it is safe to print. It treats each line as
// logline.Sanitize treats a job's.
func EscapeLines(text string) string { return logline.SanitizeText(text) }

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
