package tasks

import (
	"context"
	"encoding/json"

	"github.com/slipway-ci/slipway/internal/checker"
	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/job"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/compile"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/operation"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/tasks/exit"
)

// compiled returns an operation as a server of the given version compiles it. If version is
// empty, it is the version of the configured server.
func compiled(ctx context.Context, p *project.Project, j *config.Job, operation *operation.Operation, version string) (*compile.Compiled, error) {
	versions, _, err := checker.Versions(ctx, p, version)
	if err != nil {
		return nil, err
	}
	return job.Compiled(ctx, p, j, operation, versions[len(versions)-1])
}

// putCompiled adds a compiled operation to a result. If the operation creates other runs,
// only a server can compile those, one by one.
func putCompiled(p *project.Project, result *Result, j *config.Job, c *compile.Compiled) {
	if why := c.Schedule(); why != "" {
		p.Note(j.Name + " is a " + why + ": the runs that it makes are compiled one by one, and its templates are not rendered")
	}
	result.Text, result.Operation = string(c.YAML()), json.RawMessage(c.JSON())
}

// putPod adds the pod of a job to a result. For a distributed run it adds the pods of the
// replicas, by their keys.
func putPod(result *Result, j *config.Job, c *compile.Compiled) error {
	if why := c.Schedule(); why != "" {
		return exit.Usagef("%s is a %s, which has no pod of its own: its runs have (--expand makes those of a matrix)", j.Name, why)
	}
	result.Text, result.Operation = string(c.PodYAML()), json.RawMessage(c.PodJSON())
	return nil
}
