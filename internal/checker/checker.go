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

// Checker checks Polyaxonfiles as the same versions and against the same cluster.
type Checker struct {
	*project.Env
	// Project is nil without a slipway.yaml.
	Project *project.Project
	// Versions are the releases of Polyaxon to check as. Guessed reports whether nobody said which
	// of them counts.
	Versions []schema.Version
	Guessed  bool
	// Cluster is what the cluster has, nil when it is not asked.
	Cluster lint.Inventory
	// Machine holds jobs against what this machine has. Deploy does so when it knows where they
	// run, and has an exit code for it.
	Machine bool
	// Suspects learns what looks like a credential in a file whose lines are printed. Elsewhere a
	// word of it may be a name that people want to read.
	Suspects secret.Learner
}

// Check returns what is wrong with one file and, when a server would take it, with what
// slipway.yaml makes of it. Its error is a panic of a rule, which is not a finding.
func (c *Checker) Check(ctx context.Context, t Target) ([]report.Problem, error) {
	return t.guarded(func() ([]report.Problem, error) { return c.check(ctx, t) })
}

func (c *Checker) check(ctx context.Context, t Target) ([]report.Problem, error) {
	options := lint.Options{Versions: c.Versions, Cluster: c.Cluster, Reader: c.readerOf(t), Secrets: c.Suspects, Expanded: len(t.jobs) > 0}
	for _, j := range t.jobs {
		options.ImageGiven = options.ImageGiven || j.Image != ""
		options.Params = append(options.Params, slices.Sorted(maps.Keys(j.Params))...)
		options.Given = givenBy(c.Project, j, options.Given, j == t.jobs[0])
		options.Expanded = options.Expanded && j.Matrix == "expand"
	}
	var problems []report.Problem
	for _, j := range t.jobs {
		problems = append(problems, jobProblems(job.Absent(c.Project, j))...)
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
		problems = append(problems, c.lacking(ctx, j)...)
	}
	if problems = once(problems); failed {
		return problems, nil
	}
	for _, j := range t.jobs {
		reference := ""
		if j.Image != "" {
			reference = job.UnbuiltImage
		}
		_, err := job.Operation(ctx, c.Project, j, reference)
		problems = append(problems, jobProblems(err)...)
	}
	return problems, nil
}

// givenBy gives the params that a job gets, of those that the jobs before it get, too.
func givenBy(p *project.Project, j *config.Job, before []string, first bool) []string {
	names := append(slices.Sorted(maps.Keys(j.Params)), slices.Sorted(maps.Keys(p.Params[j.Name]))...)
	if first {
		return names
	}
	return slices.DeleteFunc(before, func(name string) bool { return !slices.Contains(names, name) })
}

// readerOf reads a target: one of slipway.yaml as it will be for its run, one that the
// user names wherever it is.
func (c *Checker) readerOf(t Target) file.Reader {
	if c.Project == nil {
		return file.Reader{Transport: c.Transport}
	}
	reader := job.Reader(c.Project)
	if len(t.jobs) == 0 {
		reader.Root = ""
	}
	return reader
}

func (c *Checker) lint(ctx context.Context, t Target, o lint.Options) []lint.Finding {
	if t.component == "" {
		return lint.Read(ctx, t.path, o)
	}
	at := c.Project.Config.At(project.Section(t.jobs[0]), t.jobs[0].Name, "component")
	text, err := components.Read(t.component)
	if err != nil {
		return nil // told with the job
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

// CheckAll checks targets, some at once, and returns what is wrong with each, in their order. broken
// joins the panics of rules. Cancelling ctx ends it with an *exit.InterruptedError.
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
	return once(slices.Concat(found...)), errors.Join(failures...), nil
}
