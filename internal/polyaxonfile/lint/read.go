package lint

import (
	"context"
	"errors"
	"os"
	"slices"

	"github.com/slipway-ci/slipway/internal/polyaxonfile"
	"github.com/slipway-ci/slipway/internal/source"
)

// Read reads the Polyaxonfile at a path, and what it refers to, and checks it as
// Check does. What cannot be read is a finding too.
func Read(ctx context.Context, path string, o Options) []Finding {
	text, err := os.ReadFile(path)
	if err != nil {
		var cause *os.PathError
		message := err.Error()
		if errors.As(err, &cause) {
			message = cause.Err.Error()
		}
		if errors.Is(err, os.ErrNotExist) {
			message = "there is no such Polyaxonfile"
		}
		return []Finding{{Error: source.Error{Position: source.Position{File: path}, Message: message}, Rule: "not-yaml",
			Severity: polyaxonfile.SeverityError, Stage: polyaxonfile.StageSubmit, Versions: o.Versions}}
	}
	f, problems := polyaxonfile.Load(path, text)
	if f.Root() != nil && len(problems) == 0 && refers(f.Root()) {
		whole, err := polyaxonfile.Read(path)
		if err == nil {
			f = whole
		} else {
			problems = unresolved(f, err)
		}
	}
	return finish(ctx, f, problems, o)
}

func refers(root map[string]any) bool {
	return root["pathRef"] != nil || root["urlRef"] != nil || root["hubRef"] != nil
}

// unresolved gives the errors of reading a reference that are not those of the
// file itself.
func unresolved(f *polyaxonfile.File, err error) []polyaxonfile.Problem {
	own := f.Validate(polyaxonfile.Version{})
	var problems []polyaxonfile.Problem
	for _, leaf := range leaves(err) {
		x := polyaxonfile.Problem{Stage: polyaxonfile.StageSubmit, Severity: polyaxonfile.SeverityError, Name: "unresolved-reference"}
		var located *source.Error
		if errors.As(leaf, &located) {
			x.Error = *located
		} else {
			x.Error = source.Error{Position: f.At(), Message: leaf.Error()}
		}
		same := func(p polyaxonfile.Problem) bool { return p.Position == x.Position && p.Message == x.Message }
		if !slices.ContainsFunc(own, same) {
			problems = append(problems, x)
		}
	}
	return problems
}

// leaves gives the single errors that were joined in err.
func leaves(err error) []error {
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) {
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, leaves(e)...)
	}
	return all
}
