package tasks

import (
	"context"
	"errors"
	"regexp"
	"strconv"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/internal/source"
)

// refused makes an operation that the server refuses, or takes and cannot compile,
// an error of the user's file.
func (p *project) refused(ctx context.Context, j *config.Job, err error) error {
	if uncompiled := new(run.CompileError); errors.As(err, &uncompiled) {
		return located(p.blamed(ctx, j, uncompiled.Message), err)
	}
	return invalid(ctx, p, j, err)
}

// quoted is how servers write the names and the values that they complain of.
var quoted = regexp.MustCompile("[`']([-a-zA-Z0-9_]+)[`']")

// blamed gives where what the server complains of stands: the param that it names,
// the value that it names in the Polyaxonfile, or the job.
func (p *project) blamed(ctx context.Context, j *config.Job, message string) source.Position {
	file, err := p.polyaxonfile(ctx, j)
	for _, match := range quoted.FindAllStringSubmatch(message, -1) {
		if _, given := j.Params[match[1]]; given {
			return p.config.At(section(j), j.Name, "params", match[1])
		}
		if err != nil {
			continue
		}
		if path := pathOf(file.Root(), match[1]); path != nil {
			return file.At(path...)
		}
	}
	return p.config.At(section(j), j.Name)
}

// pathOf gives the path of the first value in root that is this text, in the
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
		for _, key := range sorted(x) {
			if path := pathOf(x[key], text); path != nil {
				return append([]string{key}, path...)
			}
		}
	}
	return nil
}
