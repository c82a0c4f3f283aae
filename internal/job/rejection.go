package job

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/internal/source"
)

// LocateRejection turns an error of submitting a job into a *source.Error in the user's file if
// the server rejected the operation, or accepted it and could not compile it. It returns
// other errors unchanged.
func LocateRejection(ctx context.Context, p *project.Project, j *config.Job, err error) error {
	if uncompiled := new(run.CompileError); errors.As(err, &uncompiled) {
		return project.WithPosition(positionOf(ctx, p, j, uncompiled.Message), err)
	}
	return invalid(ctx, p, j, err)
}

// invalid turns the server's rejection of an operation into errors in the user's file: at
// the keys that the server names if the Polyaxonfile has them, or else at the job in
// slipway.yaml. It returns other errors unchanged.
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

// locate returns the position of a problem in the job's Polyaxonfile, if it can be found.
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

// quoted matches names and values as servers quote them in error messages.
var quoted = lazyregexp.New("[`']([-a-zA-Z0-9_]+)[`']")

// positionOf returns the position of what a server's message is about: the param that it
// quotes, or the value that it quotes in the Polyaxonfile, or else the job. The server only
// sends a text.
func positionOf(ctx context.Context, p *project.Project, j *config.Job, message string) source.Position {
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

// pathOf returns the path of the first value in root that equals text, with keys in
// sorted order, or nil if there is none.
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
