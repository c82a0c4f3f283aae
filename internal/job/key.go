package job

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/compile"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/operation"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
	"github.com/slipway-ci/slipway/internal/project"
)

// identityVersion is a version of the function that computes the deploy key. The key that
// a version computes for an operation must never change: otherwise a user who upgrades
// slipway runs all jobs again. A change of the compiler's output, or a newer release of
// Polyaxon to compile for, needs a new version. Older versions stay in the list, and runs
// with their keys are still found.
type identityVersion struct {
	// name is the first part of the hashed text.
	name string
	// release is the release of Polyaxon that operations are compiled for. It does not
	// depend on the server, so that an upgrade of the server alone does not run jobs
	// again.
	release schema.Version
}

// identityVersions returns all versions, newest first. New runs get the key of the first.
func identityVersions() []identityVersion {
	return []identityVersion{
		{"slipway/2", schema.Version{Major: 2, Minor: 18}},
	}
}

// Keys returns a job's deploy keys, one per identity version, newest first. Keys depend
// only on the project, the job, the compiled operation, the image's digest and the
// upstream runs. They do not depend on the machine or on the repository that the image is
// pulled from.
func Keys(p *project.Project, j *config.Job, operation *operation.Operation, reference string, upstream []string) []string {
	content := pinned(string(operation.JSON()), reference)
	var keys []string
	for _, i := range identityVersions() {
		keys = append(keys, i.key(p.Config.Project, j.Name, content, upstream))
	}
	return keys
}

// key hashes what identifies a run. If the identity's release cannot compile the
// operation, the text of the operation is hashed instead.
func (i identityVersion) key(project, job, content string, upstream []string) string {
	if compiled, err := compile.Operation([]byte(content), i.release); err == nil {
		content = compiled.Identity()
	}
	h := sha256.New()
	for _, part := range append([]string{i.name, project, job, content}, upstream...) {
		fmt.Fprintf(h, "%d:%s\n", len(part), part)
	}
	return "t-" + hex.EncodeToString(h.Sum(nil))[:40]
}

// pinned returns the content of an operation with the reference of an image replaced by
// its digest.
func pinned(content, reference string) string {
	if _, digest, ok := strings.Cut(reference, "@"); ok {
		return strings.ReplaceAll(content, reference, digest)
	}
	return content
}
