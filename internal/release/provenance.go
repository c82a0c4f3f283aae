package release

import (
	"fmt"
	"runtime"
	"strings"

	"github.com/slipway-ci/slipway/internal/attestation"
)

// Provenance returns the in-toto statement of the files whose hashes a text has, in the form
// of sha256sum. They were made by this Go toolchain from a tag, which is on the commit of
// revision. getenv returns environment variables; those of a GitHub workflow say who made
// the files.
func Provenance(tag, revision, checksums string, getenv func(string) string) ([]byte, error) {
	r := attestation.Release{Source: repository, Tag: tag, Revision: revision, Go: strings.TrimPrefix(runtime.Version(), "go"), Builder: repository}
	for line := range strings.Lines(checksums) {
		sum, name, found := strings.Cut(strings.TrimSpace(line), "  ")
		if !found || len(sum) != 64 {
			return nil, fmt.Errorf("%q is not a line of SHA-256 checksums", line)
		}
		r.Files = append(r.Files, attestation.Digest{Name: name, SHA256: sum})
	}
	server, workflow := getenv("GITHUB_SERVER_URL"), getenv("GITHUB_WORKFLOW_REF")
	if server != "" && workflow != "" {
		r.Builder = server + "/" + workflow
		r.Invocation = server + "/" + getenv("GITHUB_REPOSITORY") + "/actions/runs/" + getenv("GITHUB_RUN_ID")
	}
	return attestation.ReleaseProvenance(r)
}
