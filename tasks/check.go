package tasks

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/checker"
	"github.com/slipway-ci/slipway/internal/deploy"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/lint"
	"github.com/slipway-ci/slipway/internal/printer"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// CheckOptions are the options of Check.
type CheckOptions struct {
	// Files are Polyaxonfiles, or directories that contain some. If it is empty, Check checks
	// the Polyaxonfiles of the jobs and services in slipway.yaml or, without a slipway.yaml, all
	// Polyaxonfiles below the directory.
	Files []string `arg:"[FILE...]"`
	// Version is the version of Polyaxon to check for, or several versions separated by commas.
	// If it is empty, it is the version of the configured server. If there is no server or it
	// does not answer, all known versions are used.
	Version string `flag:"polyaxon-version" value:"VERSION" help:"check as this VERSION of Polyaxon would (1.11.3 to 2.18), or several: 1.11.3,2.18"`
	// Strict turns warnings into errors.
	Strict bool `flag:"strict" help:"turn warnings into errors"`
	// Fix returns a diff that fixes the findings that can be fixed safely.
	Fix bool `flag:"fix" help:"show, as a diff, how to fix the findings that can be fixed safely"`
	// Write applies that diff before the files are checked. It is an error without Fix.
	Write bool `flag:"write" help:"with --fix: write the changes into the files"`
}

// Check checks Polyaxonfiles. It asks the configured server for its version and the cluster
// for its inventory, and continues if they do not answer. It starts nothing. It returns an
// *exit.ProblemsError if a finding is an error.
func Check(ctx context.Context, env *Env, o CheckOptions) (*Result, error) {
	opened, err := env.project()
	if err != nil {
		return nil, err
	}
	result := opened.Result("check")
	result.Names, result.Rules = o.Files, reportRules()
	if o.Write && !o.Fix {
		return result, exit.Usagef("--write requires --fix")
	}
	p, err := project.Open(ctx, opened)
	noConfig := errors.Is(err, fs.ErrNotExist) && env.File == ""
	if err != nil && !noConfig {
		return result, err
	}
	if p != nil {
		result = p.Result("check")
		result.Names, result.Rules = o.Files, reportRules()
	}
	c := &checker.Checker{Env: opened, Project: p, Masker: env.Secrets, Cache: file.NewCache()}
	targets, err := c.Targets(o.Files)
	if err != nil {
		return result, err
	}
	if len(targets) == 0 {
		c.Event(report.Warning, "check", "", nothingFound(p, o.Files))
		return result, nil
	}
	if c.Versions, c.VersionsGuessed, err = checker.Versions(ctx, p, o.Version); err != nil {
		return result, err
	}
	if p != nil {
		c.Cluster, c.CheckMachine = platform.InventoryOf(ctx, p), p.Config.Sandboxed()
	}
	if o.Fix {
		if result.Text, err = c.Fix(ctx, targets, o.Write); err != nil {
			return result, err
		}
	}
	problems, broken, err := c.CheckAll(ctx, targets)
	if err != nil {
		return result, err
	}
	if p != nil && len(o.Files) == 0 {
		broken = errors.Join(broken, deploy.CheckServe(ctx, p))
	}
	result.Files = len(targets)
	result.Problems = problems
	partial := func(p report.Problem) bool { return len(p.Versions) > 0 }
	if c.VersionsGuessed && slices.ContainsFunc(result.Problems, partial) {
		c.Note("the version of Polyaxon is unknown: what only one version refuses is a warning (set the version with --polyaxon-version)")
	}
	if p != nil && !p.Config.Sandboxed() && len(p.Config.Services) > 0 {
		p.Note("everyone who can reach Polyaxon's gateway can reach the services (" + strings.Join(keys(p.Config.Services), ", ") +
			"): the community edition has no authentication, so restrict access with an authenticating proxy or with the network")
	}
	c.Event(report.Done, "check", "", "checked "+printer.Count(len(targets), "file"))
	return result, errors.Join(broken, applyStrict(result.Problems, o.Strict))
}

// nothingFound returns a message that says where Check found no Polyaxonfile.
func nothingFound(p *project.Project, names []string) string {
	if len(names) == 0 && p != nil {
		return "no Polyaxonfile found: " + project.DisplayPath(p.Config.Path) + " has neither jobs nor services"
	}
	if len(names) == 0 {
		names = []string{"this directory and below"}
	}
	return "no Polyaxonfile found in " + strings.Join(names, ", ") + ": no .yml, .yaml or .json file has kind: component or operation at its top level, nor version: 1.1 with kind, run, component or build " +
		"(directories whose names begin with a dot, node_modules and site-packages are left out)"
}

// applyStrict turns warnings into errors if strict is set. It returns an *exit.ProblemsError
// if one of the problems is an error, nil otherwise.
func applyStrict(problems []report.Problem, strict bool) error {
	e := &exit.ProblemsError{}
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
