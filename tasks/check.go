package tasks

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/polyaxonfile"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/lint"
	"github.com/slipway-ci/slipway/internal/report"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/internal/source"
	components "github.com/slipway-ci/slipway/polyaxon"
)

// CheckOptions say how Polyaxonfiles are checked.
type CheckOptions struct {
	// Version is the release of Polyaxon to check as, or several with commas between.
	// Empty, it is the configured server's own and, where there is none or it does
	// not answer, all that are known.
	Version string
	// Strict makes errors of warnings.
	Strict bool
	// Fix gives the changes that mend what can be mended safely, as a diff, and Write
	// makes them before the files are checked. Write without Fix is an error.
	Fix, Write bool
}

// ProblemsError says that check found errors. The Result has them.
type ProblemsError struct{ Errors, Warnings int }

// Error counts them.
func (e *ProblemsError) Error() string {
	return counted(e.Errors, "error") + " and " + counted(e.Warnings, "warning") + " in the Polyaxonfiles"
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// Check checks Polyaxonfiles: those named, and all in the directories named; with
// none, those of slipway.yaml's jobs and services and, without a slipway.yaml, all
// below the directory. It asks the configured server for its version and the
// cluster for what it has, and goes on without an answer; it starts nothing. Its
// error is a *ProblemsError when a finding is an error.
func Check(ctx context.Context, env *Env, names []string, o CheckOptions) (*report.Result, error) {
	result := &report.Result{Command: "check"}
	if o.Write && !o.Fix {
		return result, usagef("--write goes with --fix")
	}
	p, err := env.open(ctx)
	noConfig := errors.Is(err, fs.ErrNotExist) && env.File == ""
	if err != nil && !noConfig {
		return result, err
	}
	if p != nil {
		result = p.result("check")
	}
	targets, err := env.targets(p, names)
	if err != nil {
		return result, err
	}
	if len(targets) == 0 {
		env.Events.Event(report.Event{Kind: report.Warning, Step: "check", Message: nothingFound(p, names)})
		return result, nil
	}
	c := &checker{Env: env, project: p, suspects: env.Secrets}
	if c.versions, c.guessed, err = c.versionsFor(ctx, o.Version); err != nil {
		return result, err
	}
	if p != nil {
		c.cluster = p.inventory(ctx)
	}
	if o.Fix {
		if result.Text, err = c.fix(ctx, targets, o.Write); err != nil {
			return result, err
		}
	}
	found, broken := make([][]report.Problem, len(targets)), make([]error, len(targets))
	group, ctx := panics.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, t := range targets {
		group.Go(func() error {
			found[i], broken[i] = t.guarded(func() ([]report.Problem, error) { return c.check(ctx, t) })
			return ctx.Err()
		})
	}
	if err := group.Wait(); err != nil {
		return result, interruptedOr(ctx, err)
	}
	result.Files = len(targets)
	result.Problems = once(slices.Concat(found...))
	result.Rules = reportRules()
	partial := func(p report.Problem) bool { return len(p.Versions) > 0 }
	if c.guessed && slices.ContainsFunc(result.Problems, partial) {
		env.Events.Event(report.Event{Kind: report.Note, Message: "nobody says which Polyaxon runs this: what only one version refuses is a warning (--polyaxon-version says which one counts)"})
	}
	if p != nil && !p.config.Sandboxed() && len(p.config.Services) > 0 {
		p.event(report.Note, "", "", "whoever reaches Polyaxon's gateway reaches the services ("+strings.Join(sorted(p.config.Services), ", ")+
			"): the community edition asks for no login, so let only those in whom you trust, by a proxy that asks or by the network")
	}
	env.Events.Event(report.Event{Kind: report.Done, Step: "check", Message: "checked " + counted(len(targets), "file")})
	return result, errors.Join(append(broken, verdictOf(result.Problems, o.Strict))...)
}

// guarded gives what check finds, or its panic: the other files are checked all the
// same.
func (t *target) guarded(check func() ([]report.Problem, error)) (found []report.Problem, err error) {
	err = panics.Catch(t.name(), func() (err error) {
		found, err = check()
		return err
	})
	return found, err
}

// nothingFound says where no Polyaxonfile is.
func nothingFound(p *project, names []string) string {
	if len(names) == 0 && p != nil {
		return "there is no Polyaxonfile to check: " + shown(p.config.Path) + " has neither jobs nor services"
	}
	if len(names) == 0 {
		names = []string{"this directory and below"}
	}
	return "there is no Polyaxonfile to check in " + strings.Join(names, ", ") + ": no .yml, .yaml or .json file has kind: component or operation at its top, nor version: 1.1 with kind, run, component or build " +
		"(directories whose names begin with a dot, node_modules and site-packages are left out)"
}

// once leaves out what was found again, by another file that refers to the same one.
func once(problems []report.Problem) []report.Problem {
	type key struct {
		at            source.Position
		name, message string
	}
	seen := map[key]bool{}
	return slices.DeleteFunc(problems, func(p report.Problem) bool {
		k := key{p.Position, p.Name, p.Message}
		again := seen[k]
		seen[k] = true
		return again
	})
}

// verdictOf makes errors of warnings when strict, and gives the error that the
// problems are, nil when none of them is one.
func verdictOf(problems []report.Problem, strict bool) error {
	e := &ProblemsError{}
	for i := range problems {
		if strict {
			problems[i].Severity = string(polyaxonfile.SeverityError)
		}
		if problems[i].Severity == string(polyaxonfile.SeverityError) {
			e.Errors++
		} else {
			e.Warnings++
		}
	}
	if e.Errors == 0 {
		return nil
	}
	return e
}

// target is one Polyaxonfile to check, and the jobs that are made of it.
type target struct {
	path      string
	component string // a component that ships, instead of path
	jobs      []*config.Job
}

// name is how errors call it.
func (t *target) name() string {
	if t.component != "" {
		return "component " + t.component
	}
	return t.path
}

// targets gives the Polyaxonfiles that names mean, each once, in order.
func (e *Env) targets(p *project, names []string) ([]target, error) {
	if len(names) == 0 && p != nil {
		return p.targets(), nil
	}
	if len(names) == 0 {
		names = []string{"."}
	}
	var all []target
	seen := map[string]bool{}
	for _, name := range names {
		path := name
		if !filepath.IsAbs(path) {
			path = filepath.Join(e.Dir, name)
		}
		files, err := polyaxonfiles(path)
		if err != nil {
			return nil, &source.Error{Position: source.Position{File: name}, Message: "cannot be looked through: " + err.Error(), Err: err}
		}
		for _, file := range files {
			if file = shown(file); !seen[file] {
				seen[file] = true
				all = append(all, target{path: file, jobs: p.jobsOf(file)})
			}
		}
	}
	return all, nil
}

func (p *project) targets() []target {
	var all []target
	index := map[string]int{}
	for _, j := range append(p.jobList(), p.serviceList()...) {
		t := target{component: j.Component}
		if j.Component == "" {
			t.path = p.file(j.Polyaxonfile)
		}
		key := t.component + "\x00" + t.path
		if _, seen := index[key]; !seen {
			index[key] = len(all)
			all = append(all, t)
		}
		all[index[key]].jobs = append(all[index[key]].jobs, j)
	}
	return all
}

// jobsOf gives the jobs and services that name a Polyaxonfile.
func (p *project) jobsOf(path string) []*config.Job {
	if p == nil {
		return nil
	}
	var jobs []*config.Job
	for _, j := range append(p.jobList(), p.serviceList()...) {
		if j.Polyaxonfile != "" && p.file(j.Polyaxonfile) == path {
			jobs = append(jobs, j)
		}
	}
	return jobs
}

// checker checks files against the same versions and cluster.
type checker struct {
	*Env
	project *project
	// guessed tells that nobody said which of the versions counts.
	versions []polyaxonfile.Version
	guessed  bool
	cluster  lint.Inventory
	// suspects is told what looks like a credential in a file whose lines are printed:
	// elsewhere a word of it may be a name that people want to read.
	suspects *secret.Masker
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
	failed := false
	for _, found := range c.lint(ctx, t, options) {
		if fault := new(panics.Error); errors.As(found.Err, &fault) {
			return problems, fmt.Errorf("%s: %w", t.name(), fault)
		}
		one := c.problem(&found, options)
		failed = failed || one.Severity == string(polyaxonfile.SeverityError)
		problems = append(problems, one)
	}
	if failed {
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
func (c *checker) readerOf(t target) polyaxonfile.Reader {
	if c.project == nil {
		return polyaxonfile.Reader{Transport: c.Transport}
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
	file, problems := polyaxonfile.Load(at.File, text)
	if len(problems) > 0 {
		return nil
	}
	findings := lint.Check(ctx, file, o)
	for i := range findings {
		findings[i].Position, findings[i].Length, findings[i].Line = at, 0, ""
	}
	return findings
}

// problem makes a report of a finding. One that is for some of the versions only,
// when nobody said which of them counts, is a warning.
func (c *checker) problem(f *lint.Finding, o lint.Options) report.Problem {
	p := report.Problem{
		Position: f.Position, Length: f.Length, Severity: string(f.Severity), Name: f.Rule, Message: f.Message, Hint: f.Hint, Source: f.Line, Fixable: f.Fixable(),
	}
	if f.Stage != polyaxonfile.StageAdvice {
		p.Stage = string(f.Stage)
	}
	if len(f.Versions) < len(o.Versions) {
		for _, v := range f.Versions {
			p.Versions = append(p.Versions, release(v))
		}
		if c.guessed {
			p.Severity = string(polyaxonfile.SeverityWarning)
		}
	}
	return p
}

// release writes a version as people do: 2.18 rather than 2.18.0.
func release(v polyaxonfile.Version) string { return strings.TrimSuffix(v.String(), ".0") }

// jobProblems makes problems of the errors of filling in a job.
func jobProblems(err error) []report.Problem {
	var problems []report.Problem
	for _, leaf := range source.Leaves(err) {
		p := report.Problem{Severity: string(polyaxonfile.SeverityError), Name: lint.JobRule, Message: leaf.Error()}
		var located *source.Error
		if errors.As(leaf, &located) {
			p.Position, p.Message, p.Hint = located.Position, located.Message, located.Hint
		}
		problems = append(problems, p)
	}
	return problems
}

func reportRules() []report.Rule {
	var all []report.Rule
	for _, r := range lint.Rules() {
		all = append(all, report.Rule{Name: r.Name, Summary: r.Summary, Help: r.Help, Severity: string(r.Severity)})
	}
	return all
}

func (p *project) jobList() []*config.Job     { return values(p.config.Jobs) }
func (p *project) serviceList() []*config.Job { return values(p.config.Services) }

func values(m map[string]*config.Job) []*config.Job {
	var list []*config.Job
	for _, name := range sorted(m) {
		list = append(list, m[name])
	}
	return list
}
