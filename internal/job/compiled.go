package job

import (
	"context"
	"errors"
	"strings"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/compile"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/fill"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/operation"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
	"github.com/slipway-ci/slipway/internal/project"
)

// compiledRun is the id that a run has in what is compiled before there is one.
var compiledRun = strings.Repeat("0", 32)

// Compiled returns an operation as a server of a version compiles it. What only the server knows
// is made up: the run's id is all zeros, and all connections that the operation names exist. What
// does not compile is a *source.Error, at the value that the compiler names.
func Compiled(ctx context.Context, p *project.Project, j *config.Job, operation *operation.Operation, version schema.Version) (*compile.Compiled, error) {
	compiled, err := CompiledAs(p, j, operation, version)
	if refused := new(compile.Error); errors.As(err, &refused) {
		return nil, project.Located(blamed(ctx, p, j, refused.Message), err)
	}
	return compiled, project.Located(p.Config.At(project.Section(j), j.Name), err)
}

// CompiledAs is Compiled with the compiler's own error.
func CompiledAs(p *project.Project, j *config.Job, operation *operation.Operation, version schema.Version) (*compile.Compiled, error) {
	compiled, err := compile.Operation(operation.JSON(), version)
	if err != nil || compiled.Schedule() != "" {
		return compiled, err
	}
	return resolved(p, j, operation, compiled)
}

// resolved renders what is compiled, for a run that does not exist yet.
func resolved(p *project.Project, j *config.Job, operation *operation.Operation, compiled *compile.Compiled) (*compile.Compiled, error) {
	return compiled.Resolve(compile.Context{
		Owner: "default", Project: p.Config.Project, ProjectUUID: p.Config.Project, Name: j.Name, UUID: compiledRun,
		Namespace: p.Namespace(), Connections: catalogOf(operation),
	})
}

// catalogOf returns the connections that an operation names. The guide's is known.
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
