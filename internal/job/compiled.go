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

// compiledRun stands for the run's id in operations that are compiled before the run
// exists.
var compiledRun = strings.Repeat("0", 32)

// Compiled returns an operation as a server of this version compiles it. Placeholders
// stand for what only the server knows: the run's id is all zeros, and all connections
// that the operation names exist. If the operation does not compile, the error is a
// *source.Error at the value that the compiler names.
func Compiled(ctx context.Context, p *project.Project, j *config.Job, operation *operation.Operation, version schema.Version) (*compile.Compiled, error) {
	compiled, err := compiledAs(p, j, operation, version)
	if refused := new(compile.Error); errors.As(err, &refused) {
		return nil, project.WithPosition(positionOf(ctx, p, j, refused.Message), err)
	}
	return compiled, project.WithPosition(p.Config.At(project.Section(j), j.Name), err)
}

// compiledAs is like Compiled, but returns the compiler's error unchanged.
func compiledAs(p *project.Project, j *config.Job, operation *operation.Operation, version schema.Version) (*compile.Compiled, error) {
	compiled, err := compile.Operation(operation.JSON(), version)
	if err != nil || compiled.Schedule() != "" {
		return compiled, err
	}
	return resolved(p, j, compiled)
}

// resolved renders a compiled operation for a run that does not exist yet. The guide's
// volume has its real mount path.
func resolved(p *project.Project, j *config.Job, compiled *compile.Compiled) (*compile.Compiled, error) {
	return compiled.Resolve(compile.Context{
		Owner: "default", Project: p.Config.Project, ProjectUUID: p.Config.Project, Name: j.Name, UUID: compiledRun, Namespace: p.Namespace(),
		Connections: map[string]compile.Connection{
			fill.VolumeConnection: {Name: fill.VolumeConnection, Kind: "volume_claim", Schema: map[string]any{"volumeClaim": fill.VolumeConnection, "mountPath": "/polyaxon-v1-data"}},
		},
		Placeholder: compile.PlaceholderConnection,
	})
}
