package job

import (
	"context"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strconv"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/internal/source"
)

// Refused makes an operation that the server refuses, or takes and cannot compile,
// an error of the user's file.
func Refused(ctx context.Context, p *project.Project, j *config.Job, err error) error {
	if uncompiled := new(run.CompileError); errors.As(err, &uncompiled) {
		return project.Located(blamed(ctx, p, j, uncompiled.Message), err)
	}
	return invalid(ctx, p, j, err)
}

// invalid makes an operation that the server refuses an error of the user's file:
// at the keys that the server names, where the Polyaxonfile has them, and else at
// the job.
func invalid(ctx context.Context, p *project.Project, j *config.Job, err error) error {
	var refused *polyaxon.Error
	if !errors.As(err, &refused) || refused.Kind != polyaxon.Invalid {
		return err
	}
	var located []error
	for _, problem := range refused.Problems() {
		if at, ok := locate(ctx, p, j, problem); ok {
			located = append(located, &source.Error{Position: at, Message: "Polyaxon refuses it: " + problem.Message, Err: err})
		}
	}
	if len(located) > 0 {
		return errors.Join(located...)
	}
	at := p.Config.At(project.Section(j), j.Name)
	return &source.Error{Position: at, Message: err.Error(), Err: err}
}

// locate gives where in the job's Polyaxonfile a problem stands.
func locate(ctx context.Context, p *project.Project, j *config.Job, problem polyaxon.Problem) (source.Position, bool) {
	file, err := File(ctx, p, j)
	if err != nil {
		return source.Position{}, false
	}
	if problem.Anywhere {
		return file.LocateKey(problem.Path[len(problem.Path)-1])
	}
	return file.Locate(problem.Path)
}

// quoted is how servers write the names and the values that they complain of.
var quoted = regexp.MustCompile("[`']([-a-zA-Z0-9_]+)[`']")

// blamed returns where what the server complains of stands: the param that it names,
// the value that it names in the Polyaxonfile, or the job.
func blamed(ctx context.Context, p *project.Project, j *config.Job, message string) source.Position {
	file, err := File(ctx, p, j)
	for _, match := range quoted.FindAllStringSubmatch(message, -1) {
		if _, given := j.Params[match[1]]; given {
			return p.Config.At(project.Section(j), j.Name, "params", match[1])
		}
		if err != nil {
			continue
		}
		if path := pathOf(file.Root(), match[1]); path != nil {
			return file.At(path...)
		}
	}
	return p.Config.At(project.Section(j), j.Name)
}

// pathOf returns the path of the first value in root that is this text, in the
// order of the keys, nil when there is none.
func pathOf(root any, text string) []string {
	switch x := root.(type) {
	case string:
		if x == text {
			return []string{}
		}
	case []any:
		for i, item := range x {
			if path := pathOf(item, text); path != nil {
				return append([]string{strconv.Itoa(i)}, path...)
			}
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(x)) {
			if path := pathOf(x[key], text); path != nil {
				return append([]string{key}, path...)
			}
		}
	}
	return nil
}
