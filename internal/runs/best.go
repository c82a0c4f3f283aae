package runs

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/slipway-ci/slipway/internal/metrics"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// maxRanked is how many runs are ranked at most, and manyRanked from how many on it is said that this takes a
// while.
const maxRanked, manyRanked = 1000, 50

// Best returns the runs of a job that succeeded, at most the newest 1000, the best by a metric first. Without a
// metric it is the one that the job requires, or else the first by name. Those that the job requires also decide
// between runs with the same value. The params are those that differ. It returns an *exit.UsageError if there is no
// such run, or none has the metric. add may be nil.
func Best(ctx context.Context, to *platform.Platform, job string, by *report.Ranking, add AddMLflow) (*report.Job, error) {
	found, count, err := succeeded(ctx, to, job, maxRanked)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, noneSucceeded(to, job)
	}
	if count > len(found) {
		to.Note(fmt.Sprintf("only the newest %d of the %d runs of %s that succeeded are ranked", len(found), count, job))
	}
	if len(found) > manyRanked {
		to.Note(fmt.Sprintf("reading the results of %d runs of %s", len(found), job))
	}
	outcomes, err := outcomesOf(ctx, to, found)
	if err != nil {
		return nil, err
	}
	ranked := &report.Job{Name: job}
	for n, o := range outcomes {
		one := ReportOutcome(o)
		one.Number, one.Cost, one.OutputsAt = n+1, Cost(to.Config.Prices, o), to.OutputsAt(o)
		one.LastLines = nil
		ranked.Runs = append(ranked.Runs, one)
	}
	add.To(ctx, job, Pointers(ranked.Runs)...)
	names := ranked.MetricNames()
	switch {
	case len(names) == 0:
		return nil, exit.Usagef("no run of %s has a metric (docs/metrics.md says how programs report metrics)", job)
	case by != nil && !slices.Contains(names, by.Metric):
		return nil, exit.Usagef("no run of %s has a metric %s; its runs have %s", job, by.Metric, metrics.InPlaceOf(by.Metric, names))
	}
	if j := to.Config.Jobs[job]; j != nil {
		by = Ranking(by, j)
	}
	for by != nil && !slices.Contains(names, by.Metric) {
		by = by.Then
	}
	setVaried(ranked.Runs)
	ranked.Rank(by)
	best := ranked.Runs[0]
	best.Number, best.Params = 0, nil
	ranked.Run = best
	return ranked, nil
}

// noneSucceeded says that a job has no run that succeeded, and which job may be meant.
func noneSucceeded(to *platform.Platform, job string) error {
	if unknown := unknownJob(to, job); unknown != nil {
		return unknown
	}
	return exit.Usagef("no run named %s of project %s has succeeded (slipway runs lists runs)", job, to.Config.Project)
}

// unknownJob returns an error for a name that no job and no service of slipway.yaml has, with what may be meant, or nil.
func unknownJob(to *platform.Platform, name string) error {
	if to.Config.Jobs[name] != nil || to.Config.Services[name] != nil || len(to.Config.Jobs) == 0 {
		return nil
	}
	return project.UnknownName("job", name, slices.Sorted(maps.Keys(to.Config.Jobs)))
}

// setVaried gives runs the inputs as params that are not the same in all of them, and a single run all inputs. The
// reference of an image is left out: it differs whenever the source does.
func setVaried(all []report.Run) {
	varied := map[string]bool{imageInput: false}
	for n := range all {
		for name, value := range all[n].Inputs {
			if _, known := varied[name]; !known {
				varied[name] = len(all) == 1 || slices.ContainsFunc(all, func(other report.Run) bool { return !reflect.DeepEqual(other.Inputs[name], value) })
			}
			if !varied[name] {
				continue
			}
			if all[n].Params == nil {
				all[n].Params = map[string]any{}
			}
			all[n].Params[name] = value
		}
	}
}

// imageInput is the input that slipway sets to the reference of a pushed image.
const imageInput = "DOCKER_IMAGE"

// Pointers returns pointers to the elements of all.
func Pointers(all []report.Run) []*report.Run {
	pointers := make([]*report.Run, len(all))
	for n := range all {
		pointers[n] = &all[n]
	}
	return pointers
}
