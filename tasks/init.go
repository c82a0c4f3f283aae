package tasks

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/printer"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/scaffold"
	"github.com/slipway-ci/slipway/internal/survey"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// InitOptions are the options of Init. A question that they do not answer is asked.
type InitOptions struct {
	// Yes takes the default of each question.
	Yes bool `flag:"yes" short:"y" help:"ask nothing: take the default of each question"`
	// DryRun writes nothing, and returns the files whole.
	DryRun bool `flag:"dry-run" help:"write nothing, and print the files whole"`
	// Project is the name of the project.
	Project string `flag:"project" value:"NAME" help:"the NAME of the project"`
	// Program is the path of the program of the first job.
	Program string `flag:"program" value:"FILE" help:"run this FILE in the first job"`
	// Base is the base image with Python.
	Base string `flag:"base" value:"IMAGE" help:"put the packages on this base IMAGE, which has Python"`
	// Lock says who makes a lock where there is none: uv or none.
	Lock string `flag:"lock" value:"HOW" oneof:"uv,none" help:"make a lock where there is none, by HOW: uv or none"`
	// CI says whose workflow is written: github, gitlab or none.
	CI string `flag:"ci" value:"KIND" oneof:"github,gitlab,none" help:"write the workflow of this KIND: github, gitlab or none"`
}

// Init looks at the repository in env.Dir and writes a slipway.yaml, with what else it needs,
// that fits it. It never overwrites a file: with a slipway.yaml it changes nothing. Without
// env.Ask and o.Yes it only plans, and returns an *exit.UsageError.
func Init(ctx context.Context, env *Env, o InitOptions) (*Result, error) {
	opened, err := env.project()
	if err != nil {
		return nil, err
	}
	result := opened.Result("init")
	dir := opened.Dir
	if dir == "" {
		dir = "."
	}
	if env.File != "" {
		return result, exit.Usagef("init writes %s into a directory: use -C DIR instead of -f", config.FileName)
	}
	if there := filepath.Join(dir, config.FileName); exists(there) {
		result.Init = &report.Init{Next: []string{"slipway check", "slipway plan"}}
		opened.Note(project.DisplayPath(there) + " is there already: nothing is changed")
		return result, nil
	}
	if there := filepath.Join(dir, "slipway.yml"); exists(there) {
		return result, exit.Usagef("%s is there, and slipway reads %s: rename it", project.DisplayPath(there), config.FileName)
	}
	home, _ := opened.Lookup("HOME")
	if profile, ok := opened.Lookup("USERPROFILE"); ok && home == "" {
		home = profile
	}
	if survey.IsHome(dir, home) {
		return result, exit.Usagef("this is your home directory, or the root of the file system, and not a project: run slipway init in the project's directory, or name it: slipway init -C DIR")
	}
	repository, err := survey.Read(ctx, dir, opened.Environ)
	if err != nil {
		return result, exit.IfInterrupted(ctx, err)
	}
	ask := scaffold.Ask(env.Ask)
	if o.Yes || ask == nil {
		ask = scaffold.Defaults
	}
	if projects := repository.Projects(); projects != nil {
		if repository, err = oneOf(ctx, env, o, repository, projects); err != nil {
			return result, exit.IfInterrupted(ctx, err)
		}
	}
	plan, err := scaffold.New(ctx, repository, scaffold.Options{Project: o.Project, Program: o.Program, Base: o.Base, Lock: o.Lock, CI: o.CI}, ask)
	if err != nil {
		return result, exit.IfInterrupted(ctx, err)
	}
	result.Init = &report.Init{Found: plan.Found}
	for _, f := range plan.Found {
		opened.Event(report.Done, "found", f.Position.String(), f.What)
	}
	for _, text := range plan.Warnings {
		opened.Event(report.Warning, "", "", text)
	}
	if o.DryRun || env.Ask == nil && !o.Yes {
		listFiles(result.Init, plan, false)
		if !o.DryRun {
			return result, exit.Usagef("nothing is written, because there is no terminal to ask on: slipway init --yes writes these files")
		}
		result.Init.Next = plan.Next
		return result, nil
	}
	if !o.Yes {
		for _, f := range plan.Files {
			opened.Note("will write " + f.Path + ": " + f.Reason)
		}
		answer, err := env.Ask(ctx, report.Question{Flag: "yes", Text: "Write " + printer.Count(len(plan.Files), "file") + "? (yes or no)", Default: "yes", Options: []string{"yes", "no"}})
		if err != nil || answer == "no" {
			opened.Note("nothing is written")
			return result, exit.IfInterrupted(ctx, err)
		}
	}
	if err := plan.MakeLocks(ctx, opened.Environ); err != nil {
		return result, exit.IfInterrupted(ctx, err)
	}
	if err := plan.Write(); err != nil {
		return result, err
	}
	listFiles(result.Init, plan, true)
	result.Init.Next = plan.Next
	inside := *env
	inside.Dir = repository.Dir
	checked, err := Check(ctx, &inside, CheckOptions{})
	if checked != nil {
		result.Problems = checked.Problems
	}
	if err != nil { // what was there before may have mistakes: the files are written all the same
		opened.Event(report.Warning, "check", "", err.Error())
	}
	return result, exit.IfInterrupted(ctx, ctx.Err())
}

// oneOf lets the user choose one of several projects of a repository.
func oneOf(ctx context.Context, env *Env, o InitOptions, r *survey.Repository, projects []string) (*survey.Repository, error) {
	if env.Ask == nil || o.Yes {
		return nil, exit.Usagef("there are several projects in %s: name one: slipway init -C %s", r.Dir, strings.Join(projects, ", or slipway init -C "))
	}
	answer, err := env.Ask(ctx, report.Question{Flag: "dir", Text: "Which project (" + strings.Join(projects, ", ") + ")", Default: projects[0], Options: projects})
	if err != nil {
		return nil, err
	}
	return survey.Read(ctx, filepath.Join(r.Dir, filepath.FromSlash(answer)), env.Environ)
}
