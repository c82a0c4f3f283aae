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

// identityVersion is one way to tell which runs are of the same inputs. What it makes of an
// operation must never change: whoever runs a newer slipway would run all of his jobs
// again. A compiler that compiles otherwise, or a newer Polyaxon to compile for, is a
// new identity; the older ones stay in the list, and their keys are looked for, too.
type identityVersion struct {
	// name begins what is hashed.
	name string
	// release of Polyaxon as which operations are compiled, whatever runs on the
	// server: its upgrade alone runs nothing again.
	release schema.Version
}

// identityVersions are the known ones, newest first. New runs get the key of the first.
func identityVersions() []identityVersion {
	return []identityVersion{
		{"slipway/2", schema.Version{Major: 2, Minor: 18}},
	}
}

// Keys are a job's deploy keys, that of the newest identity first: the same project,
// job, compiled operation, image (by digest, wherever it is pulled from) and upstream
// runs have the same keys on any machine.
func Keys(p *project.Project, j *config.Job, operation *operation.Operation, reference string, upstream []string) []string {
	content := pinned(string(operation.JSON()), reference)
	var keys []string
	for _, i := range identityVersions() {
		keys = append(keys, i.key(p.Config.Project, j.Name, content, upstream))
	}
	return keys
}

// key hashes what makes a run. An operation that the identity's release cannot compile
// counts as it is written.
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

// pinned is the content of an operation with the digest of an image in place of its
// reference.
func pinned(content, reference string) string {
	if _, digest, ok := strings.Cut(reference, "@"); ok {
		return strings.ReplaceAll(content, reference, digest)
	}
	return content
}
