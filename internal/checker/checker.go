// Package checker checks Polyaxonfiles, both on their own and filled with the values of
// slipway.yaml, and applies fixes to them.
package checker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/job"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/lint"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/secret"
	components "github.com/slipway-ci/slipway/polyaxon"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// Checker checks Polyaxonfiles for a fixed set of Polyaxon releases and against one
// cluster.
type Checker struct {
	*project.Env
	// Project is nil if there is no slipway.yaml.
	Project *project.Project
	// Versions are the releases of Polyaxon to check for. VersionsGuessed reports whether they
	// are a guess, because the release of the server is not known.
	Versions        []schema.Version
	VersionsGuessed bool
	// Cache has the texts that were read if there is no Project, whose cache is used otherwise.
	// If it is nil, files are read each time.
	Cache *file.Cache
	// Cluster reports what the cluster has. If it is nil, nothing is compared with the
	// cluster.
	Cluster lint.Inventory
	// CheckMachine turns on the comparison of jobs with the resources of this machine. Deploy
	// compares them itself when it knows where the jobs run, and has an exit code for the
	// result.
	CheckMachine bool
	// Masker learns texts that look like credentials in a file whose lines are
	// printed, so that they are masked. It is not used elsewhere, because part of such a
	// text may be a name that users want to read.
	Masker secret.Learner
}

// Check returns the problems of one file. If a server would accept the file, it also
// returns the problems of the operations that slipway.yaml makes of it. The error is a
// *panics.Error if a rule panics; everything else is a problem.
func (c *Checker) Check(ctx context.Context, t Target) ([]report.Problem, error) {
	return t.guarded(func() ([]report.Problem, error) { return c.check(ctx, t) })
}

func (c *Checker) check(ctx context.Context, t Target) ([]report.Problem, error) {
	options := lint.Options{Versions: c.Versions, Cluster: c.Cluster, Reader: c.readerOf(t), Secrets: c.Masker, Expanded: len(t.jobs) > 0}
	for _, j := range t.jobs {
		options.ImageGiven = options.ImageGiven || j.Image != ""
		options.Params = append(options.Params, slices.Sorted(maps.Keys(j.Params))...)
		options.CommonParams = commonParams(c.Project, j, options.CommonParams, j == t.jobs[0])
		options.Expanded = options.Expanded && j.Matrix == config.MatrixExpand
	}
	var problems []report.Problem
	for _, j := range t.jobs {
		problems = append(problems, jobProblems(job.MissingFiles(c.Project, j))...)
	}
	if len(problems) > 0 {
		return problems, nil
	}
	failed := false
	for _, found := range c.lint(ctx, t, options) {
		if fault := new(panics.Error); errors.As(found.Err, &fault) {
			return problems, fmt.Errorf("%s: %w", t.name(), fault)
		}
		one := c.problem(&found, c.Versions)
		failed = failed || one.Severity == string(file.SeverityError)
		problems = append(problems, one)
	}
	for _, j := range t.jobs {
		problems = append(problems, c.missing(ctx, j)...)
		problems = append(problems, jobProblems(trackingKind(ctx, c.Project, j))...)
	}
	if problems = dedupe(problems); failed {
		return problems, nil
	}
	for _, j := range t.jobs {
		reference := ""
		if j.Image != "" {
			reference = job.PlaceholderImage
		}
		_, err := job.Operation(ctx, c.Project, j, reference)
		problems = append(problems, jobProblems(err)...)
	}
	return problems, nil
}

// commonParams returns the params that are set for a job and for all jobs before it. before
// are those of the jobs before it, and first reports whether there are none.
func commonParams(p *project.Project, j *config.Job, before []string, first bool) []string {
	names := append(slices.Sorted(maps.Keys(j.Params)), slices.Sorted(maps.Keys(p.Params[j.Name]))...)
	if first {
		return names
	}
	return slices.DeleteFunc(before, func(name string) bool { return !slices.Contains(names, name) })
}

// readerOf returns the reader for a target. A Polyaxonfile of slipway.yaml is read as it
// will be for its run. A file that the user names may be anywhere.
func (c *Checker) readerOf(t Target) file.Reader {
	if c.Project == nil {
		return file.Reader{Transport: c.Transport, Cache: c.Cache}
	}
	reader := job.Reader(c.Project)
	if len(t.jobs) == 0 {
		reader.Root = ""
	}
	return reader
}

// lint returns the findings of the rules in a target. Findings in a component that ships
// with slipway get the position of its name in slipway.yaml.
func (c *Checker) lint(ctx context.Context, t Target, o lint.Options) []lint.Finding {
	if t.component == "" {
		return lint.Read(ctx, t.path, o)
	}
	at := c.Project.Config.At(project.Section(t.jobs[0]), t.jobs[0].Name, "component")
	text, err := components.Read(t.component)
	if err != nil {
		return nil // reported with the job
	}
	f, problems := file.Load(at.File, text)
	if len(problems) > 0 {
		return nil
	}
	findings := lint.Check(ctx, f, o)
	for i := range findings {
		findings[i].Position, findings[i].Length, findings[i].Line = at, 0, ""
	}
	return findings
}

// CheckAll checks targets concurrently and returns their problems, in the order of the
// targets and without duplicates. broken joins the panics of rules. If ctx is cancelled,
// err is an *exit.InterruptedError.
func (c *Checker) CheckAll(ctx context.Context, targets []Target) (problems []report.Problem, broken, err error) {
	found, failures := make([][]report.Problem, len(targets)), make([]error, len(targets))
	group, ctx := panics.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, t := range targets {
		group.Go(func() error {
			found[i], failures[i] = c.Check(ctx, t)
			return ctx.Err()
		})
	}
	if err := group.Wait(); err != nil {
		return nil, nil, exit.IfInterrupted(ctx, err)
	}
	return dedupe(slices.Concat(found...)), errors.Join(failures...), nil
}
