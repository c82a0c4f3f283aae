package job

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
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
	// identity returns the part of the key that stands for the compiled operation.
	identity func(*compile.Compiled) string
	// ordered reports whether the order in which a job names its upstream jobs counts.
	ordered bool
}

// identityVersions returns all versions, newest first. New runs get the key of the first.
func identityVersions() []identityVersion {
	return []identityVersion{
		{name: "slipway/3", release: schema.Version{Major: 2, Minor: 18}, identity: (*compile.Compiled).Identity},
		{name: "slipway/2", release: schema.Version{Major: 2, Minor: 18}, identity: (*compile.Compiled).FormerIdentity, ordered: true},
	}
}

// Keys returns a job's deploy keys, one per identity version, newest first. Keys depend
// only on the project, the job, the compiled operation, the image's digest and the
// upstream runs. They do not depend on the machine or on the repository that the image is
// pulled from.
func Keys(p *project.Project, j *config.Job, operation *operation.Operation, reference string, upstream []string) []string {
	return keysOf(p.Config.Project, j.Name, pinned(string(operation.JSON()), reference), upstream)
}

// keysOf returns the keys of an operation with this content. It compiles the operation once
// for each release.
func keysOf(project, job, content string, upstream []string) []string {
	compiled := map[schema.Version]*compile.Compiled{}
	var keys []string
	for _, i := range identityVersions() {
		if _, done := compiled[i.release]; !done {
			compiled[i.release], _ = compile.Operation([]byte(content), i.release) // nil if it does not compile
		}
		keys = append(keys, i.key(project, job, content, compiled[i.release], upstream))
	}
	return keys
}

// key hashes what identifies a run. If the identity's release cannot compile the operation,
// compiled is nil, and the text of the operation is hashed instead.
func (i identityVersion) key(project, job, content string, compiled *compile.Compiled, upstream []string) string {
	if compiled != nil {
		content = i.identity(compiled)
	}
	if !i.ordered {
		upstream = slices.Sorted(slices.Values(upstream))
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
