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

// compiled returns an operation as a server of a version compiles it, or that of the configured server
// when version is empty.
func compiled(ctx context.Context, p *project.Project, j *config.Job, operation *operation.Operation, version string) (*compile.Compiled, error) {
	versions, _, err := checker.Versions(ctx, p, version)
	if err != nil {
		return nil, err
	}
	return job.Compiled(ctx, p, j, operation, versions[len(versions)-1])
}

// putCompiled puts a compiled operation into a result. One that makes other runs is
// compiled run by run, which only a server can do.
func putCompiled(p *project.Project, result *Result, j *config.Job, c *compile.Compiled) {
	if why := c.Schedule(); why != "" {
		p.Note(j.Name + " is a " + why + ": the runs that it makes are compiled one by one, and its templates stand as they are")
	}
	result.Text, result.Operation = string(c.YAML()), json.RawMessage(c.JSON())
}

// putPod puts the pod of a job into a result; of a distributed run those of its
// replicas, by their keys.
func putPod(result *Result, j *config.Job, c *compile.Compiled) error {
	if why := c.Schedule(); why != "" {
		return exit.Usagef("%s is a %s, which has no pod of its own: its runs have (--expand makes those of a matrix)", j.Name, why)
	}
	result.Text, result.Operation = string(c.PodYAML()), json.RawMessage(c.PodJSON())
	return nil
}
