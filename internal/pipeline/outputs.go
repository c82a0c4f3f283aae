package pipeline

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/source"
)

// withOutputs returns a copy of a job in which references to outputs, inputs and the UUIDs of
// upstream runs are replaced by their values. It returns j itself if j has no references. runs maps
// the upstream jobs to the UUIDs of their runs. slipway resolves the values itself, so that
// they are the same on every version of Polyaxon, are checked against the types of the
// inputs, and are part of the deploy key.
func (p *Pipeline) withOutputs(ctx context.Context, j *config.Job, runs map[string]string) (*config.Job, error) {
	references := j.References()
	if len(references) == 0 {
		return j, nil
	}
	filled := *j
	filled.Params = maps.Clone(j.Params)
	known := map[string]*polyaxon.Run{}
	for _, name := range slices.Sorted(maps.Keys(references)) {
		r := references[name]
		if r.From == "globals" {
			filled.Params[name] = runs[r.Job]
			continue
		}
		if known[r.Job] == nil {
			upstream, err := p.Polyaxon.Run(ctx, p.Config.Project, runs[r.Job])
			if err != nil {
				return nil, fmt.Errorf("get the outputs of job %s: %w", r.Job, err)
			}
			known[r.Job] = upstream
		}
		values := map[string]map[string]any{"outputs": known[r.Job].Outputs, "inputs": known[r.Job].Inputs}[r.From]
		value, ok := values[r.Name]
		if !ok {
			return nil, p.missingOutput(j, name, r, known[r.Job], slices.Sorted(maps.Keys(values)))
		}
		filled.Params[name] = value
	}
	return &filled, nil
}

// missingOutput returns the error for an output or input that a run does not have.
func (p *Pipeline) missingOutput(j *config.Job, param string, r config.Reference, of *polyaxon.Run, there []string) error {
	one := strings.TrimSuffix(r.From, "s")
	e := source.Errorf(p.Config.At(project.Section(j), j.Name, "params", param), "run %s of job %s has no %s %s", of.UUID, r.Job, one, r.Name)
	e.Hint = source.Suggest(r.Name, "it has ", there)
	if len(there) == 0 && r.From == "outputs" {
		e.Hint = "it has none; a job sets its outputs with tracking.log_outputs(" + r.Name + "=...)"
	}
	return e
}
