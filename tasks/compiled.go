package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/compile"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/fill"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/operation"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
	"github.com/slipway-ci/slipway/tasks/report"
)

// compiledRun is the id that a run has in what is compiled before there is one.
var compiledRun = strings.Repeat("0", 32)

// compiled gives an operation as a server of the version (the configured one's when
// empty) would compile it. What only the server knows is made up: the run's id is
// all zeros, and all connections that the operation names are taken to be there.
func (p *project) compiled(ctx context.Context, j *config.Job, operation *operation.Operation, version string) (*compile.Compiled, error) {
	c := &checker{Env: p.Env, project: p}
	versions, _, err := c.versionsFor(ctx, version)
	if err != nil {
		return nil, err
	}
	compiled, err := p.compiledAs(j, operation, versions[len(versions)-1])
	var refused *compile.Error
	if errors.As(err, &refused) {
		return nil, located(p.blamed(ctx, j, refused.Message), err)
	}
	return compiled, located(p.config.At(section(j), j.Name), err)
}

// compiledAs is compiled for a version, with the compiler's own error.
func (p *project) compiledAs(j *config.Job, operation *operation.Operation, version schema.Version) (*compile.Compiled, error) {
	compiled, err := compile.Operation(operation.JSON(), version)
	if err != nil || compiled.Schedule() != "" {
		return compiled, err
	}
	return compiled.Resolve(compile.Context{
		Owner: "default", Project: p.config.Project, ProjectUUID: p.config.Project, Name: j.Name, UUID: compiledRun,
		Namespace: p.namespace(), Connections: catalogOf(operation),
	})
}

// namespace gives that of the configured cluster, and the guide's for the sandbox.
func (p *project) namespace() string {
	if p.config.Cluster != nil && p.config.Cluster.Namespace != "" {
		return p.config.Cluster.Namespace
	}
	return "polyaxon-v1"
}

// catalogOf gives the connections that an operation names; the guide's is known.
func catalogOf(operation *operation.Operation) map[string]compile.Connection {
	catalog := map[string]compile.Connection{}
	for _, name := range operation.Connections() {
		catalog[name] = compile.Connection{Name: name, Kind: "volume_claim", Schema: map[string]any{"volumeClaim": name, "mountPath": "/" + name}}
	}
	if guide, ok := catalog[fill.VolumeConnection]; ok {
		guide.Schema = map[string]any{"volumeClaim": guide.Name, "mountPath": "/polyaxon-v1-data"}
		catalog[guide.Name] = guide
	}
	return catalog
}

// tellCompiled puts a compiled operation into a result. One that makes other runs is
// compiled run by run, which only a server can do.
func (p *project) tellCompiled(result *report.Result, j *config.Job, c *compile.Compiled) {
	if why := c.Schedule(); why != "" {
		p.event(report.Note, "", "", j.Name+" is a "+why+": the runs that it makes are compiled one by one, and its templates stand as they are")
	}
	result.Text, result.Operation = string(c.YAML()), json.RawMessage(c.JSON())
}

// tellPod puts the pod of a job into a result; of a distributed run those of its
// replicas, by their keys.
func tellPod(result *report.Result, j *config.Job, c *compile.Compiled) error {
	if why := c.Schedule(); why != "" {
		return usagef("%s is a %s, which has no pod of its own: its runs have (--expand makes those of a matrix)", j.Name, why)
	}
	result.Text, result.Operation = string(c.PodYAML()), json.RawMessage(c.PodJSON())
	return nil
}
