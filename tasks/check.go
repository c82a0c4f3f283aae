package tasks

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/lint"
	"github.com/slipway-ci/slipway/tasks/report"
)

// CheckOptions say how Polyaxonfiles are checked.
type CheckOptions struct {
	// Files are Polyaxonfiles, and directories with some. With none, those of
	// slipway.yaml's jobs and services are checked and, without a slipway.yaml, all below
	// the directory.
	Files []string
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

// Check checks Polyaxonfiles. It asks the configured server for its version and the
// cluster for what it has, and goes on without an answer; it starts nothing. Its
// error is a *ProblemsError when a finding is an error.
func Check(ctx context.Context, env *Env, o CheckOptions) (*Result, error) {
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
	targets, err := env.targets(p, o.Files)
	if err != nil {
		return result, err
	}
	if len(targets) == 0 {
		env.Events.Event(report.Event{Kind: report.Warning, Step: "check", Message: nothingFound(p, o.Files)})
		return result, nil
	}
	c := &checker{Env: env, project: p, suspects: env.Secrets}
	if c.versions, c.guessed, err = c.versionsFor(ctx, o.Version); err != nil {
		return result, err
	}
	if p != nil {
		c.cluster, c.machine = p.inventory(ctx), p.config.Sandboxed()
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
		at            report.Position
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
			problems[i].Severity = string(file.SeverityError)
		}
		if problems[i].Severity == string(file.SeverityError) {
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

func reportRules() []report.Rule {
	var all []report.Rule
	for _, r := range lint.Rules() {
		all = append(all, report.Rule{Name: r.Name, Summary: r.Summary, Help: r.Help, Severity: string(r.Severity)})
	}
	return all
}
