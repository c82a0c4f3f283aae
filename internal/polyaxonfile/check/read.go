package check

import (
	"context"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
)

// Parse reads a Polyaxonfile from memory. name is the file's name in errors. It returns
// one or several joined *source.Error for what every version of Polyaxon refuses and for
// what slipway refuses in any case. References to other files are not followed.
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

// Read reads the Polyaxonfile at path and inserts the components that its operation and
// the operations of its dags refer to, by pathRef (relative to the file that contains
// it), urlRef and hubRef. It returns one or several joined *source.Error for what every
// version of Polyaxon refuses. When ctx is cancelled, requests end and Read returns the
// error of ctx.
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

// ReadPreset reads the preset at path: a part of an operation, with or without isPreset.
// It returns the errors that Read returns.
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
