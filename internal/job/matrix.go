package job

import (
	"context"
	"errors"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/compile"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/matrix"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/operation"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/tasks/exit"
)

// ExpandMatrices makes slipway create the runs of the jobs' matrices, as matrix: expand
// does for one job. The error is an *exit.UsageError if none of the jobs has a matrix.
func ExpandMatrices(ctx context.Context, p *project.Project, jobs []*config.Job) error {
	found := false
	for _, j := range jobs {
		file, err := File(ctx, p, j)
		if err != nil {
			return err
		}
		if matrix.InFile(file) {
			found = true
			if err := p.Config.Expand(j); err != nil {
				return err
			}
		}
	}
	if !found {
		return exit.Usagef("nothing to expand: none of these jobs has a matrix")
	}
	return nil
}

// Expansion returns the runs of a job's matrix. Errors are *source.Error, at the part of
// the matrix that is wrong where it can be found.
func Expansion(ctx context.Context, p *project.Project, j *config.Job, operation *operation.Operation) (*matrix.Expansion, error) {
	expansion, err := matrix.Expand(operation)
	if err == nil && expansion == nil {
		err = errors.New(j.Polyaxonfile + j.Component + " has no matrix")
	}
	wrong := new(matrix.Error)
	if !errors.As(err, &wrong) {
		return expansion, project.WithPosition(p.Config.At(project.Section(j), j.Name, "matrix"), err)
	}
	e := source.Errorf(p.Config.At(project.Section(j), j.Name), "%s", wrong.Message)
	if file, err := File(ctx, p, j); err == nil {
		for _, path := range [][]string{{"matrix"}, {"component", "matrix"}} {
			if at := file.At(append(path, wrong.Path...)...); at != file.At(path[:len(path)-1]...) {
				e.Position = at
				break
			}
		}
	}
	return nil, e
}

// CompiledWithPlaceholder returns a job's operation, compiled for the sandbox's release,
// with PlaceholderImage as the image. For a matrix that slipway expands, it is the operation
// of the first run. CompiledWithPlaceholder returns nil if the operation is compiled later
// or does not compile. The latter error is reported, with its position, where the operation
// is checked.
func CompiledWithPlaceholder(ctx context.Context, p *project.Project, j *config.Job) (*compile.Compiled, error) {
	operation, err := Operation(ctx, p, j, PlaceholderImage)
	if err != nil {
		return nil, err
	}
	if j.Matrix == config.MatrixExpand {
		expansion, err := Expansion(ctx, p, j, operation)
		if err != nil || len(expansion.Suggestions) == 0 {
			return nil, err
		}
		operation = expansion.Suggestions[0].Operation
	}
	compiled, err := compile.Operation(operation.JSON(), p.SandboxVersion())
	if err == nil {
		compiled, err = resolved(p, j, compiled)
	}
	if err != nil {
		return nil, nil //nolint:nilerr // see above
	}
	return compiled, nil
}
