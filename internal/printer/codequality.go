package printer

import (
	"crypto/sha256"
	"fmt"
	"io"
	"strings"

	"github.com/slipway-ci/slipway/tasks/report"
)

// qualityProblem is a finding in a code quality report of GitLab
// (docs.gitlab.com/ci/testing/code_quality, "Code Quality report format").
type qualityProblem struct {
	Description string `json:"description"`
	CheckName   string `json:"check_name"`
	// Fingerprint tells findings apart. It is that of the same finding in another commit, so
	// that GitLab shows which are new.
	Fingerprint string          `json:"fingerprint"`
	Severity    string          `json:"severity"`
	Location    qualityLocation `json:"location"`
}

type qualityLocation struct {
	Path  string       `json:"path"`
	Lines qualityLines `json:"lines"`
}

type qualityLines struct {
	Begin int `json:"begin"`
}

// CodeQuality writes r's problems as a code quality report of GitLab. inRepository returns a path
// relative to the root of the repository.
func CodeQuality(w io.Writer, r *report.Result, inRepository func(string) string) error {
	all := []qualityProblem{}
	seen := map[string]int{}
	for _, p := range r.Problems {
		message := p.Message
		if len(p.Versions) > 0 {
			message += ", on Polyaxon " + strings.Join(p.Versions, " and ")
		}
		if p.Hint != "" {
			message += " (" + p.Hint + ")"
		}
		severity := "minor"
		if p.Severity == "error" {
			severity = "major"
		}
		one := qualityProblem{Description: EscapeText(message), CheckName: p.Name, Severity: severity, Location: qualityLocation{inRepository(p.File), qualityLines{max(p.Line, 1)}}}
		same := strings.Join([]string{one.Location.Path, p.Name, message}, "\x00")
		seen[same]++ // without the line, which other changes move
		one.Fingerprint = fmt.Sprintf("%x", sha256.Sum256(fmt.Appendf(nil, "%s\x00%d", same, seen[same])))
		all = append(all, one)
	}
	return encode(w, all)
}
