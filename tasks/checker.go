package tasks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/lint"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
	"github.com/slipway-ci/slipway/internal/sandbox"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/internal/source"
	components "github.com/slipway-ci/slipway/polyaxon"
	"github.com/slipway-ci/slipway/tasks/report"
)

// checker checks files against the same versions and cluster.
type checker struct {
	*Env
	project *project
	// guessed tells that nobody said which of the versions counts.
	versions []schema.Version
	guessed  bool
	cluster  lint.Inventory
	// machine tells to hold jobs against what this machine has. Deploy does so when it
	// knows where they run, and has an exit code for it.
	machine bool
	// suspects is told what looks like a credential in a file whose lines are printed:
	// elsewhere a word of it may be a name that people want to read.
	suspects secret.Learner
}

// check gives what is wrong with one file and, where nothing is that a server
// would refuse, with what slipway.yaml makes of it. Its error is a fault of slipway,
// which is no finding.
func (c *checker) check(ctx context.Context, t target) ([]report.Problem, error) {
	options := lint.Options{Versions: c.versions, Cluster: c.cluster, Reader: c.readerOf(t), Secrets: c.suspects, Expanded: len(t.jobs) > 0}
	for _, j := range t.jobs {
		options.ImageGiven = options.ImageGiven || j.Image != ""
		options.Params = append(options.Params, sorted(j.Params)...)
		options.Given = c.project.givenBy(j, options.Given, j == t.jobs[0])
		options.Expanded = options.Expanded && j.Matrix == "expand"
	}
	var problems []report.Problem
	for _, j := range t.jobs {
		problems = append(problems, jobProblems(c.project.absent(j))...)
	}
	if len(problems) > 0 {
		return problems, nil
	}
	failed := false
	for _, found := range c.lint(ctx, t, options) {
		if fault := new(panics.Error); errors.As(found.Err, &fault) {
			return problems, fmt.Errorf("%s: %w", t.name(), fault)
		}
		one := c.problem(&found, c.versions)
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
			reference = unbuiltImage
		}
		_, err := c.project.operation(ctx, j, reference)
		problems = append(problems, jobProblems(err)...)
	}
	return problems, nil
}

// lacking gives what a job, with its params, needs and does not find where it goes:
// things of the cluster and, on the sandbox, of this machine.
func (c *checker) lacking(ctx context.Context, j *config.Job) []report.Problem {
	if c.cluster == nil && !c.machine {
		return nil
	}
	compiled, err := c.project.unbuilt(ctx, j)
	if err != nil || compiled == nil {
		return nil // told otherwise, as far as it is an error
	}
	f, err := c.project.polyaxonfile(ctx, j)
	if err != nil {
		return nil
	}
	var problems []report.Problem
	if c.cluster != nil {
		for _, found := range lint.Missing(ctx, f, compiled, c.cluster) {
			one := c.problem(&found, nil)
			if j.Component != "" {
				one.Position, one.Length, one.Source = c.project.config.At(section(j), j.Name, "component"), 0, ""
			}
			problems = append(problems, one)
		}
	}
	if pod, err := compiled.Pod(); err == nil && c.machine {
		if lacks := sandbox.Lacks(append(pod.Sidecars, pod.Container)...); lacks != "" {
			problems = append(problems, report.Problem{
				Position: c.project.config.At(section(j), j.Name, "gpu"), Severity: string(file.SeverityError), Stage: string(file.StageRun),
				Name: lint.ExceedsMachine, Message: (&NeverError{j.Name, lacks}).Error(),
			})
		}
	}
	return problems
}

// givenBy gives the params that a job gets, of those that the jobs before it get, too.
func (p *project) givenBy(j *config.Job, before []string, first bool) []string {
	names := append(sorted(j.Params), sorted(p.texts[j.Name])...)
	if first {
		return names
	}
	return slices.DeleteFunc(before, func(name string) bool { return !slices.Contains(names, name) })
}

// readerOf reads a target: one of slipway.yaml as it will be for its run, one that the
// user names wherever it is.
func (c *checker) readerOf(t target) file.Reader {
	if c.project == nil {
		return file.Reader{Transport: c.Transport}
	}
	reader := c.project.reader()
	if len(t.jobs) == 0 {
		reader.Root = ""
	}
	return reader
}

func (c *checker) lint(ctx context.Context, t target, o lint.Options) []lint.Finding {
	if t.component == "" {
		return lint.Read(ctx, t.path, o)
	}
	at := c.project.config.At(section(t.jobs[0]), t.jobs[0].Name, "component")
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

// problem makes a report of a finding. One that is for some of the versions only,
// when nobody said which of them counts, is a warning.
func (c *checker) problem(f *lint.Finding, versions []schema.Version) report.Problem {
	p := report.Problem{
		Position: f.Position, Length: f.Length, Severity: string(f.Severity), Name: f.Rule, Message: f.Message, Hint: f.Hint, Source: f.Line, Fixable: f.Fixable(),
	}
	if f.Stage != file.StageAdvice {
		p.Stage = string(f.Stage)
	}
	if len(f.Versions) < len(versions) {
		for _, v := range f.Versions {
			p.Versions = append(p.Versions, release(v))
		}
		if c.guessed {
			p.Severity = string(file.SeverityWarning)
		}
	}
	return p
}

// release writes a version as people do: 2.18 rather than 2.18.0.
func release(v schema.Version) string { return strings.TrimSuffix(v.String(), ".0") }

// jobProblems makes problems of the errors of filling in a job.
func jobProblems(err error) []report.Problem {
	var problems []report.Problem
	for _, leaf := range source.Leaves(err) {
		p := report.Problem{Severity: string(file.SeverityError), Name: lint.JobRule, Message: leaf.Error()}
		var located *source.Error
		if errors.As(leaf, &located) {
			p.Position, p.Message, p.Hint = located.Position, located.Message, located.Hint
		}
		problems = append(problems, p)
	}
	return problems
}
