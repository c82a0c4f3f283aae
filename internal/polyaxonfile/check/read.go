package check

import (
	"context"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
)

// Parse reads a Polyaxonfile that is in memory; name is how errors call it. What
// every version of Polyaxon refuses, and what slipway refuses at all, is one or
// several *source.Error, joined. References to other files are left as they are.
func Parse(name string, text []byte) (*file.File, error) {
	f, problems := file.Load(name, text)
	if f.Root() != nil {
		problems = append(problems, Validate(f, schema.Version{})...)
	}
	if err := file.Errors(problems); err != nil {
		return nil, err
	}
	return f, nil
}

// Read has the reader read the Polyaxonfile at path and puts in what it refers to: the
// components that its operation, and the operations of its dags, name by pathRef
// (relative to the file that names it), urlRef and hubRef. What is wrong with it in
// every version of Polyaxon is one or several *source.Error, joined. Cancelling
// ctx ends requests and gives its error.
func Read(ctx context.Context, r file.Reader, path string) (*file.File, error) {
	f, problems := r.Load(ctx, path)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if f.Root() != nil {
		problems = append(problems, Validate(f, schema.Version{})...)
	}
	if err := file.Errors(problems); err != nil {
		return nil, err
	}
	return f, nil
}

// ReadPreset has the reader read the preset at path: a part of an operation, with or without
// isPreset. Its errors are those of Read.
func ReadPreset(ctx context.Context, r file.Reader, path string) (*file.File, error) {
	f, problems := r.LoadPreset(ctx, path)
	if f.Root() != nil {
		problems = append(problems, Validate(f, schema.Version{})...)
	}
	if err := file.Errors(problems); err != nil {
		return nil, err
	}
	return f, nil
}
